import type { Client } from '@coracle/client';
import { isReason, type ResourceType, type Unstructured } from '@coracle/machinery';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time was over. `last` is the object as it was then; undefined if it was not there. */
export class WaitTimeout extends Error {
  override name = 'WaitTimeout';
  readonly last: Unstructured | undefined;
  constructor(last: Unstructured | undefined) {
    super('timed out');
    this.last = last;
  }
}

/**
 * Resolves with the object when `met` says so of it (or of undefined: it is not there). Rejects with WaitTimeout, or with the
 * abort reason of `signal`. Watches that end or expire are taken up again.
 */
export async function waitForObject(
  client: Client,
  type: ResourceType<Unstructured>,
  id: { name: string; namespace: string | undefined },
  met: (object: Unstructured | undefined) => boolean,
  options: { timeoutMs?: number | undefined; signal: AbortSignal },
): Promise<Unstructured | undefined> {
  const { timeoutMs, signal } = options;
  const clock = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => clock.abort(), timeoutMs);
  const both = AbortSignal.any([clock.signal, signal]);
  const fieldSelector = `metadata.name=${id.name}`;
  const { namespace } = id;
  let last: Unstructured | undefined;
  try {
    for (;;) {
      const list = await client.list(type, { namespace, fieldSelector, signal });
      last = list.items[0];
      if (met(last)) return last;
      const { resourceVersion } = list.metadata;
      try {
        for await (const event of client.watch(type, {
          namespace,
          fieldSelector,
          resourceVersion,
          signal: both,
        })) {
          if (event.type === 'BOOKMARK') continue;
          last = event.type === 'DELETED' ? undefined : event.object;
          if (met(last)) return last;
        }
      } catch (error) {
        if (!isReason(error, 'Expired') && !isReason(error, 'Gone')) throw error;
      }
      signal.throwIfAborted();
      if (clock.signal.aborted) throw new WaitTimeout(last);
      // A server that ends watches at once is not asked in a tight loop.
      await sleep(100);
    }
  } finally {
    clearTimeout(timer);
  }
}
