/**
 * Writes `v1` Events without ever holding up or failing its caller. Three stages, after client-go's EventCorrelator:
 * - spam filter: a token bucket for each object (25 at once, then one in 5 minutes);
 * - aggregation: more than 10 events in 10 minutes that differ only in their message become one, "(combined from similar
 *   events): ...";
 * - repetition: an event equal to one written before raises its `count` and `lastTimestamp` by a patch.
 * A few are written at a time; those that may count as one are written one after the other, in the order they were recorded,
 * and equal ones that still wait as one. With `spareTime` they are written while nothing else is to be done, or slowly.
 * State is bounded: the least recently used of 8192 keys go first; at most `maxWaiting` events wait to be written. Further
 * ones are dropped, and the log says how many.
 */
import type { Client } from '@coracle/client';
import { formatTime, isReason, type KubeObject } from '@coracle/machinery';
import { Event, type ObjectReference } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from './contracts.ts';
import { Fifo } from './fifo.ts';
import { Recent } from './recent.ts';
import type { SpareTime } from './spare-time.ts';

export interface EventRecorderDeps {
  client: Client;
  clock: Clock;
  /** `source.component` and `reportingComponent`. */
  component: string;
  /** `source.host`: the node's name, for agents. */
  host?: string | undefined;
  logger?: Logger | undefined;
  /** When to write; without it at once. */
  spareTime?: SpareTime | undefined;
  /** Events that may wait to be written; default 50,000 (half a kilobyte each). */
  maxWaiting?: number | undefined;
}

const maxKeys = 8192;
/** Writes under way at a time. */
const writers = 16;
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillPerMs = 1 / 300_000;

interface Written {
  /** The event's name on the server. */
  name: string;
  count: number;
}
/** What is known of events that differ only in their message. */
interface Similar {
  first: string;
  /** Further messages; most events have none. */
  others: Set<string> | undefined;
  at: number;
}
interface Draft {
  reference: ObjectReference;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** How often it was recorded while it waited, when first, and when last. */
  count: number;
  since: number;
  at: number;
}

/** Adds what tests and shutdown need. */
export interface FlushableEventRecorder extends EventRecorder {
  /** Resolves when all recorded events have been written or given up. */
  flush(): Promise<void>;
  /** Forgets what waits: for when there is no more time to write it. Counts as dropped. */
  drop(): void;
}

export function createEventRecorder(deps: EventRecorderDeps): FlushableEventRecorder {
  const { maxWaiting = 50_000 } = deps;
  const buckets = new Recent<{ tokens: number; at: number }>(maxKeys);
  const similar = new Recent<Similar>(maxKeys);
  const written = new Recent<Written>(maxKeys);
  /** Drafts that wait, by group: those of a group may count as one. A group that is being written is here, too. */
  const groups = new Map<string, Draft[]>();
  /** Groups that nobody writes yet. */
  const waiting = new Fifo<string>();
  const flushers = new Set<() => void>();
  /** Drafts in `groups`. */
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
    const first = draft.since === draft.at ? now : formatTime(draft.since);
    const namespace = draft.reference.namespace ?? 'default';
    const before = written.get(key);
    if (before !== undefined) {
      const count = before.count + draft.count;
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
        count: draft.count,
        firstTimestamp: first,
        lastTimestamp: now,
        source: { component: deps.component, ...(deps.host ? { host: deps.host } : {}) },
        reportingComponent: deps.component,
        reportingInstance: deps.host ?? '',
      },
      { namespace },
    );
    written.set(key, { name: created.metadata.name, count: draft.count });
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

  /** Takes groups until none waits. Whoever writes a group writes all that comes for it meanwhile. */
  const drain = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const drafts = groups.get(group)!;
      for (let next = drafts[0]; next !== undefined; next = drafts[0]) {
        const turn = flushers.size > 0 ? undefined : deps.spareTime?.turn(next.since);
        if (turn !== undefined) await turn;
        if (drafts.shift() === undefined) break;
        held -= 1;
        await send(next, group);
      }
      // After a drop there may be a new one of this name.
      if (groups.get(group) === drafts) groups.delete(group);
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
      if (!admitted(reference.uid ?? identity, at)) return;
      const group = `${identity}\n${type}\n${reason}`;
      // The API server refuses messages longer than 1 kB.
      const text = message.slice(0, 1024);
      const drafts = groups.get(group);
      const last = drafts?.at(-1);
      if (last?.message === text) {
        last.count += 1;
        last.at = at;
        last.reference = reference;
        return;
      }
      held += 1;
      const draft: Draft = { reference, type, reason, message: text, count: 1, since: at, at };
      if (drafts !== undefined) {
        drafts.push(draft);
        return;
      }
      groups.set(group, [draft]);
      waiting.push(group);
      if (running >= writers) return;
      running += 1;
      void Promise.resolve().then(drain);
    },
    async flush() {
      // What is recorded during the wait is waited for too.
      if (running > 0) await new Promise<void>((resolve) => flushers.add(resolve));
    },
    drop() {
      dropped += held;
      held = 0;
      for (const drafts of groups.values()) drafts.length = 0;
      groups.clear();
      waiting.clear();
    },
  };
}

function identityOf({ apiVersion, kind, namespace, name, uid, fieldPath }: ObjectReference): string {
  // Short where it can be: thousands of these are kept. No part but the last holds a line's end.
  if (uid) return `${kind}\n${uid}\n${fieldPath ?? ''}`;
  return `${kind}\n${namespace ?? ''}\n${name}\n${apiVersion}\n${fieldPath ?? ''}`;
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
