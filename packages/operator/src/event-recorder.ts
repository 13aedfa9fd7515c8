/**
 * Writes `v1` Events without ever holding up or failing its caller. Three stages, after client-go's EventCorrelator:
 * - spam filter: a token bucket for each object (25 at once, then one in 5 minutes);
 * - aggregation: more than 10 events in 10 minutes that differ only in their message become one, "(combined from similar
 *   events): ...";
 * - repetition: an event equal to one written before raises its `count` and `lastTimestamp` by a patch.
 * State is bounded: the least recently used of 4096 keys goes first; at most 1000 events wait to be written, and further
 * ones are dropped.
 */
import type { Client } from '@coracle/client';
import { isReason, type KubeObject } from '@coracle/machinery';
import { Event, type ObjectReference } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from './contracts.ts';
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

const maxKeys = 4096;
const maxWaiting = 1000;
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
type Draft = {
  reference: ObjectReference;
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
  const similar = new Recent<{ messages: Set<string>; at: number }>(maxKeys);
  const written = new Recent<Written>(maxKeys);
  const waiting: Draft[] = [];
  let writing: Promise<void> | undefined;
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
  const aggregate = (draft: Draft): { key: string; message: string } => {
    const group = JSON.stringify([identityOf(draft.reference), draft.type, draft.reason]);
    const known = similar.get(group);
    const fresh = known !== undefined && draft.at - known.at <= similarWindowMs;
    const record = fresh ? known : { messages: new Set<string>(), at: draft.at };
    record.at = draft.at;
    record.messages.add(draft.message);
    similar.set(group, record);
    if (record.messages.size < similarLimit)
      return { key: `${group}${draft.message}`, message: draft.message };
    // The set stops growing here: its size alone matters.
    record.messages.delete(draft.message);
    while (record.messages.size < similarLimit) record.messages.add(`\0${record.messages.size}`);
    return { key: group, message: `(combined from similar events): ${draft.message}` };
  };

  const write = async (draft: Draft): Promise<void> => {
    const { key, message } = aggregate(draft);
    const now = new Date(draft.at).toISOString().replace(/\.\d+Z$/, 'Z');
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

  const drain = async (): Promise<void> => {
    for (let draft = waiting.shift(); draft !== undefined; draft = waiting.shift()) {
      try {
        await write(draft);
      } catch (error) {
        deps.logger?.debug(
          { error, reason: draft.reason, object: draft.reference },
          'an event was not written',
        );
      }
    }
    writing = undefined;
  };

  return {
    event(about, type, reason, message) {
      const at = deps.clock.now();
      const reference = referenceTo(about);
      if (waiting.length >= maxWaiting || !admitted(identityOf(reference), at)) return;
      // The API server refuses messages longer than 1 kB.
      waiting.push({ reference, type, reason, message: message.slice(0, 1024), at });
      writing ??= Promise.resolve().then(drain);
    },
    async flush() {
      // What is recorded during the wait is waited for too.
      if (writing) await writing.then(() => this.flush());
    },
  };
}

/** What two references to one thing have in common: all but the resourceVersion. */
function identityOf({ resourceVersion: _, ...identity }: ObjectReference): string {
  return JSON.stringify(identity);
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
