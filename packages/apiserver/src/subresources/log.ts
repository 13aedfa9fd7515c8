/** pods/log: what a container has written, as it comes when followed. */
import { type ApiResponse, errors, type FieldError, type LogOptions, parseTime } from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { booleanQuery, integerQuery } from '../pipeline/negotiate.ts';
import { agentOf, containerOf, podOf } from './containers.ts';

/** core/v1 PodLogOptions from a query. Throws BadRequest and Invalid. */
export function parseLogOptions(query: URLSearchParams, podName: string): LogOptions {
  const tailLines = integerQuery(query, 'tailLines');
  const limitBytes = integerQuery(query, 'limitBytes');
  const sinceSeconds = integerQuery(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime') || undefined;
  const stream = query.get('stream') || undefined;
  const problems: FieldError[] = [];
  const invalid = (field: string, badValue: unknown, detail: string): void =>
    void problems.push({ type: 'FieldValueInvalid', field, badValue, detail });
  if (tailLines !== undefined && tailLines < 0)
    invalid('tailLines', tailLines, 'must be greater than or equal to 0');
  if (limitBytes !== undefined && limitBytes < 1) invalid('limitBytes', limitBytes, 'must be greater than 0');
  if (sinceSeconds !== undefined && sinceSeconds < 1)
    invalid('sinceSeconds', sinceSeconds, 'must be greater than 0');
  if (sinceTime !== undefined && parseTime(sinceTime) === undefined)
    throw errors.badRequest(
      `invalid value ${JSON.stringify(sinceTime)} for query parameter sinceTime: not a time`,
    );
  if (sinceTime !== undefined && sinceSeconds !== undefined)
    problems.push({
      type: 'FieldValueForbidden',
      field: '',
      detail: 'at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  if (stream !== undefined && !['All', 'Stdout', 'Stderr'].includes(stream))
    problems.push({
      type: 'FieldValueNotSupported',
      field: 'stream',
      badValue: stream,
      detail: 'supported values: "All", "Stderr", "Stdout"',
    });
  if (problems.length > 0) throw errors.invalid({ group: '', kind: 'PodLogOptions' }, podName, problems);
  return {
    follow: booleanQuery(query, 'follow') ?? false,
    previous: booleanQuery(query, 'previous') ?? false,
    timestamps: booleanQuery(query, 'timestamps') ?? false,
    tailLines,
    limitBytes,
    sinceSeconds,
    sinceTime,
    ...(stream === undefined ? {} : { stream: stream as 'All' | 'Stdout' | 'Stderr' }),
  };
}

/** Milliseconds to wait for a first chunk or an early error before the answer's head goes out. */
const headStart = 100;

/**
 * Starts reading so that an early refusal (container not started) is still a Status and not a broken stream. What was
 * read is given out first.
 */
async function primed(source: AsyncIterable<Uint8Array>, call: Call): Promise<AsyncIterable<Uint8Array>> {
  const iterator = source[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<Uint8Array>> | undefined = iterator.next();
  let cancel: (() => void) | undefined;
  const patience = new Promise<void>((resolve) => {
    cancel = call.ctx.timers.after(headStart, resolve);
  });
  await Promise.race([pending, patience]);
  cancel?.();
  pending.catch(() => {});
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const first = pending;
        pending = undefined;
        return first ?? iterator.next();
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

export async function podLog(call: Call): Promise<ApiResponse> {
  const { request, ctx } = call;
  const pod = podOf(call);
  const { name, namespace = '', uid: podUid = '' } = pod.metadata;
  const container = containerOf(pod, request.query.get('container'));
  const options = parseLogOptions(request.query, name);
  const headers = { 'content-type': 'text/plain' };
  // Before the pod has a node there is nothing to read.
  if (!pod.spec?.nodeName) return { kind: 'stream', code: 200, headers, body: nothing };
  const signal = AbortSignal.any([request.signal, ctx.closing]);
  const body = agentOf(call, pod).logs({ namespace, pod: name, podUid, container }, options, signal);
  return { kind: 'stream', code: 200, headers, body: await primed(body, call) };
}
