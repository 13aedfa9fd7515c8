import { createHash } from 'node:crypto';
import type { CompleteSpec } from './defaults.ts';

export const jobName = (jobSet: string, replicatedJob: string, index: number): string =>
  `${jobSet}-${replicatedJob}-${index}`;

/** SHA-1 of `namespace/name`, in hex: fits a label whatever the names' length. */
export const jobKey = (namespace: string, name: string): string =>
  createHash('sha1').update(`${namespace}/${name}`).digest('hex');

/** Where the coordinator pod is reached; undefined if the spec names none. */
export function coordinatorEndpoint(jobSet: string, spec: CompleteSpec): string | undefined {
  const { coordinator } = spec;
  if (!coordinator) return undefined;
  const { replicatedJob, jobIndex = 0, podIndex = 0 } = coordinator;
  return `${jobName(jobSet, replicatedJob, jobIndex)}-${podIndex}.${spec.subdomain}`;
}

export const claimName = (jobSet: string, template: string): string => `${template}-${jobSet}`;
