/**
 * Writes `v1` Events without ever holding up or failing its caller. Three stages, after client-go's EventCorrelator:
 * - spam filter: a token bucket for each object (25 at once, then one in 5 minutes);
 * - aggregation: more than 10 events in 10 minutes that differ only in their message become one, "(combined from similar
 *   events): ...";
 * - repetition: an event equal to one written before raises its `count` and `lastTimestamp` by a patch.
 * A few are written at a time; those that may count as one are written one after the other, in the order they were recorded.
 * State is bounded: the least recently used of 8192 keys go first; at most 10,000 events wait to be written. Further ones
 * are dropped, and the log says how many.
 */
import type { Client } from '@coracle/client';
import { formatTime, isReason, type KubeObject } from '@coracle/machinery';
import { Event, type ObjectReference } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from './contracts.ts';
import { Fifo } from './fifo.ts';
import { Recent } from './recent.ts';

export interface EventRecorderDeps {
  client: Client;
  clock: Clock;
  /** `source.component` and `reportingComponent`. */
  component: string;
  /** `source.host`: the node's name, for agents. */
  host?: string | undefined;
  logger?: Logger | undefined;
}

const maxKeys = 8192;
const maxWaiting = 10_000;
/** Writes under way at a time. */
const writers = 16;
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillPerMs = 1 / 300_000;

interface Written {
  /** The event's name on the server; set when its create has succeeded. */
  name: string | undefined;
  count: number;
  firstTimestamp: string;
}
/** What is known of events that differ only in their message. */
interface Similar {
  first: string;
  /** Further messages; most events have none. */
  others: Set<string> | undefined;
  at: number;
}
type Draft = {
  reference: ObjectReference;
  /** What two references to one thing have in common: all but the resourceVersion. */
  identity: string;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  at: number;
};

/** Adds what tests and shutdown need: `flush` resolves when all recorded events have been written or given up. */
export interface FlushableEventRecorder extends EventRecorder {
  flush(): Promise<void>;
}

export function createEventRecorder(deps: EventRecorderDeps): FlushableEventRecorder {
  const buckets = new Recent<{ tokens: number; at: number }>(maxKeys);
  const similar = new Recent<Similar>(maxKeys);
  const written = new Recent<Written>(maxKeys);
  const waiting = new Fifo<Draft>();
  /** Groups of events that may count as one and are being written, each with what came for it meanwhile. */
  const busy = new Map<string, Draft[]>();
  const flushers = new Set<() => void>();
  /** Drafts in `waiting` and `busy`. */
  let held = 0;
  let running = 0;
  let dropped = 0;
  /** Keeps names of events of one millisecond apart. */
  let serial = 0;

  const admitted = (key: string, now: number): boolean => {
    const bucket = buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * refillPerMs);
    bucket.at = now;
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };

  /** The key of events that count as one, and the message to show. */
  const aggregate = (draft: Draft, group: string): { key: string; message: string } => {
    const known = similar.get(group);
    const record =
      known !== undefined && draft.at - known.at <= similarWindowMs
        ? known
        : { first: draft.message, others: undefined, at: draft.at };
    record.at = draft.at;
    if (draft.message !== record.first) (record.others ??= new Set()).add(draft.message);
    similar.set(group, record);
    if (record.others === undefined || record.others.size + 1 < similarLimit)
      return { key: `${group}${draft.message}`, message: draft.message };
    // The set stops growing here: its size alone matters.
    record.others.delete(draft.message);
    while (record.others.size + 1 < similarLimit) record.others.add(`\0${record.others.size}`);
    return { key: group, message: `(combined from similar events): ${draft.message}` };
  };

  const write = async (draft: Draft, group: string): Promise<void> => {
    const { key, message } = aggregate(draft, group);
    const now = formatTime(draft.at);
    const namespace = draft.reference.namespace ?? 'default';
    const before = written.get(key);
    if (before?.name !== undefined) {
      const count = before.count + 1;
      try {
        await deps.client.patch(
          Event,
          before.name,
          'merge',
          { message, count, lastTimestamp: now },
          { namespace },
        );
        before.count = count;
        return;
      } catch (error) {
        // Events expire on the server: then this one is written anew.
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    serial = (serial + 1) % 1_000_000;
    const nanoseconds = BigInt(draft.at) * 1_000_000n + BigInt(serial);
    const created = await deps.client.create(
      Event,
      {
        metadata: { name: `${draft.reference.name ?? ''}.${nanoseconds.toString(16)}`, namespace },
        involvedObject: draft.reference,
        reason: draft.reason,
        message,
        type: draft.type,
        count: 1,
        firstTimestamp: now,
        lastTimestamp: now,
        source: { component: deps.component, ...(deps.host ? { host: deps.host } : {}) },
        reportingComponent: deps.component,
        reportingInstance: deps.host ?? '',
      },
      { namespace },
    );
    written.set(key, { name: created.metadata.name, count: 1, firstTimestamp: now });
  };

  const send = async (draft: Draft, group: string): Promise<void> => {
    try {
      await write(draft, group);
    } catch (error) {
      deps.logger?.debug(
        { error, reason: draft.reason, object: draft.reference },
        'an event was not written',
      );
    }
  };

  /** Takes drafts until none waits. Whoever writes for a group writes all that comes for it meanwhile. */
  const drain = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const group = `${next.identity}\n${next.type}\n${next.reason}`;
      const others = busy.get(group);
      if (others !== undefined) {
        others.push(next);
        continue;
      }
      const drafts: Draft[] = [next];
      busy.set(group, drafts);
      for (let draft = drafts.shift(); draft !== undefined; draft = drafts.shift()) {
        held -= 1;
        await send(draft, group);
      }
      busy.delete(group);
    }
    running -= 1;
    if (running > 0) return;
    if (dropped > 0)
      deps.logger?.warn({ dropped, component: deps.component }, 'too many events at once: some were dropped');
    dropped = 0;
    for (const flushed of flushers) flushed();
    flushers.clear();
  };

  return {
    event(about, type, reason, message) {
      const at = deps.clock.now();
      const reference = referenceTo(about);
      const identity = identityOf(reference);
      if (held >= maxWaiting) {
        dropped += 1;
        return;
      }
      if (!admitted(identity, at)) return;
      held += 1;
      // The API server refuses messages longer than 1 kB.
      waiting.push({ reference, identity, type, reason, message: message.slice(0, 1024), at });
      if (running >= writers) return;
      running += 1;
      void Promise.resolve().then(drain);
    },
    async flush() {
      // What is recorded during the wait is waited for too.
      if (running > 0) await new Promise<void>((resolve) => flushers.add(resolve));
    },
  };
}

function identityOf({ apiVersion, kind, namespace, name, uid, fieldPath }: ObjectReference): string {
  // No part but the last holds a line's end.
  return `${kind}\n${namespace ?? ''}\n${name}\n${uid ?? ''}\n${apiVersion}\n${fieldPath ?? ''}`;
}

function referenceTo(about: Parameters<EventRecorder['event']>[0]): ObjectReference {
  if ('metadata' in about) {
    const { apiVersion, kind, metadata } = about as KubeObject;
    const { name, namespace, uid, resourceVersion } = metadata;
    return { apiVersion, kind, name, uid, resourceVersion, ...(namespace ? { namespace } : {}) };
  }
  const { apiVersion, kind, name, namespace, uid, fieldPath } = about;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
    ...(fieldPath ? { fieldPath } : {}),
  };
}
