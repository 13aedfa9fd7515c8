/**
 * Writes what the scheduler has to say into the status of pods and pod groups: the latest word on each object, a few at a
 * time, never holding up the decisions. A word that is overtaken before it is written is never written.
 */
import type { Client } from '@coracle/client';
import { isReason, type KubeObject } from '@coracle/machinery';
import { Pod, type PodCondition } from '@coracle/machinery/api';
import { patchStatus, type Clock, type Logger } from '@coracle/operator';
import { factsOf, type GangState } from './gang-registry.ts';
import { disruptedStatus, withCondition, type GroupVerdict } from './group-kinds/index.ts';

export interface StatusWriterDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Writes under way at a time. */
  readonly concurrency?: number;
}

/** `PodScheduled` of a pod that has no node. */
export interface PodVerdict {
  readonly reason: 'Unschedulable' | 'SchedulerError' | 'SchedulingGated';
  readonly message: string;
  /** '' clears it; undefined leaves it. */
  readonly nominatedNodeName?: string | undefined;
}

type Write = () => Promise<void>;

export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  /** Latest word by key, in order of arrival. */
  readonly #waiting = new Map<string, Write>();
  /** Keys whose last word is being written. A word that comes meanwhile is kept here: two would only conflict. */
  readonly #busy = new Map<string, Write | undefined>();
  #running = 0;
  #stopped = false;

  constructor(deps: StatusWriterDeps) {
    this.#deps = deps;
  }

  /** Says why the pod has no node. Nothing is written if its status says so already. */
  pod(pod: Pod, verdict: PodVerdict): void {
    this.#add(pod.metadata.uid, () => this.#write(Pod, pod, (now) => this.#podStatus(now, verdict)));
  }

  /** Says whether the group could be placed. What its status then is depends on its kind. */
  group(gang: GangState, verdict: GroupVerdict): void {
    gang.verdict = verdict;
    this.counted(gang);
  }

  /** What the group's status counts has changed. */
  counted(gang: GangState): void {
    const { group, spec } = gang;
    if (!group || !spec) return;
    this.#add(group.metadata.uid, () =>
      this.#write(gang.kind.type, gang.group ?? group, (now) =>
        gang.kind.status(now, factsOf(gang, spec, this.#now())),
      ),
    );
  }

  /** The group is evicted as a whole. */
  disrupted({ group, kind }: GangState, message: string): void {
    if (!group) return;
    this.#add(`${group.metadata.uid}/disrupted`, () =>
      this.#write(kind.type, group, (now) => disruptedStatus(now, message, this.#now())),
    );
  }

  /** The word on this object no longer holds. */
  cancel(uid: string): void {
    this.#waiting.delete(uid);
    if (this.#busy.has(uid)) this.#busy.set(uid, undefined);
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  #add(uid: string, write: Write): void {
    if (this.#stopped) return;
    if (this.#busy.has(uid)) this.#busy.set(uid, write);
    else {
      this.#waiting.set(uid, write);
      this.#pump();
    }
  }

  #pump(): void {
    while (this.#running < (this.#deps.concurrency ?? 16)) {
      const next = this.#waiting.entries().next().value;
      if (!next) return;
      const [uid, write] = next;
      this.#waiting.delete(uid);
      this.#busy.set(uid, undefined);
      this.#running++;
      void write().finally(() => {
        this.#running--;
        const later = this.#busy.get(uid);
        this.#busy.delete(uid);
        if (later && !this.#stopped) this.#waiting.set(uid, later);
        this.#pump();
      });
    }
  }

  async #write<T extends KubeObject & { status?: unknown }>(
    type: Parameters<typeof patchStatus<T>>[1],
    object: T,
    statusOf: (now: T) => T['status'] | undefined,
  ): Promise<void> {
    const { client, logger } = this.#deps;
    const { name, namespace, uid } = object.metadata;
    let current = object;
    for (let tries = 0; tries < 5 && !this.#stopped; tries++) {
      try {
        const status = statusOf(current);
        if (status !== undefined) await patchStatus(client, type, current, status);
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (!isReason(error, 'Conflict')) {
          logger.warn({ object: `${namespace}/${name}`, error }, 'cannot write the scheduling status');
          return;
        }
      }
      try {
        current = await client.get(type, name, { namespace });
        if (current.metadata.uid !== uid) return;
      } catch (error) {
        if (!isReason(error, 'NotFound'))
          logger.warn({ object: `${namespace}/${name}`, error }, 'cannot read');
        return;
      }
    }
  }

  /** Undefined: nothing to write, or too late to. */
  #podStatus(pod: Pod, verdict: PodVerdict): Pod['status'] | undefined {
    if (pod.spec?.nodeName || pod.metadata.deletionTimestamp) return undefined;
    const status = pod.status ?? {};
    const before = status.conditions?.find((c) => c.type === 'PodScheduled');
    const { nominatedNodeName: wanted = status.nominatedNodeName } = verdict;
    const nominated = wanted || undefined;
    const same =
      before?.status === 'False' && before.reason === verdict.reason && before.message === verdict.message;
    if (same && (status.nominatedNodeName || undefined) === nominated) return undefined;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: verdict.reason,
      message: verdict.message,
      lastTransitionTime:
        before?.status === 'False' ? (before.lastTransitionTime ?? this.#now()) : this.#now(),
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
    return {
      ...status,
      conditions: withCondition(status.conditions, condition),
      nominatedNodeName: nominated,
    };
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}
