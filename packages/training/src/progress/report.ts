/** One report of progress, from the request to the TrainJob's `status.trainerStatus`. */
import type { Client } from '@coracle/client';
import { ApiError, isObject } from '@coracle/machinery';
import { TokenReview } from '@coracle/machinery/api';
import { TrainJob } from '../trainjob/types.ts';
import { progressAudience } from './contract.ts';

export interface Report {
  namespace: string;
  name: string;
  /** The `Authorization` header. */
  authorization: string | undefined;
  body: string;
}

/**
 * Stores the report and returns what the answer repeats. Throws ApiError: Forbidden (no token, or not one for this
 * TrainJob), Invalid (no such body), NotFound (no such TrainJob), and what else the API server says.
 */
export async function acceptReport(client: Client, report: Report): Promise<unknown> {
  const { namespace, name } = report;
  if (!(await isAllowed(client, report))) throw new ApiError('Forbidden', 'Forbidden');
  const body = parse(report.body);
  const status = body['trainerStatus'];
  if (status === undefined || status === null) return body;
  if (!isObject(status)) throw new ApiError('Invalid', 'Invalid payload');
  // What a report leaves out is gone: it says the whole state.
  const trainerStatus = {
    progressPercentage: null,
    estimatedRemainingSeconds: null,
    metrics: null,
    ...status,
  };
  await client.patch(
    TrainJob,
    name,
    'merge',
    { status: { trainerStatus } },
    { namespace, subresource: 'status' },
  );
  return body;
}

/** Is the token one of a pod in the TrainJob's namespace, made for reporting on this TrainJob? */
async function isAllowed(client: Client, { namespace, name, authorization }: Report): Promise<boolean> {
  const token = /^\s*Bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return false;
  const audience = progressAudience(namespace, name);
  const { status } = await client.create(TokenReview, {
    metadata: {},
    spec: { token, audiences: [audience] },
  });
  return (
    status?.authenticated === true &&
    status.audiences?.includes(audience) === true &&
    status.user?.username?.startsWith(`system:serviceaccount:${namespace}:`) === true
  );
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // The same answer as for a body that is no object.
  }
  throw new ApiError('Invalid', 'Invalid payload');
}
