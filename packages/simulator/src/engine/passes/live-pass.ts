/**
 * The waiting stand in the queue of the live scheduler, back-off and all, and are woken by its hints: who is tried when, and after
 * whom, is as on a live cluster whose API server takes no time. What was evicted comes back as controllers make it anew: after
 * all that the room it left has helped.
 */
import {
  CannotReserve,
  createQueue,
  dominantMember,
  findGangPreemption,
  findPreemption,
  Hints,
  placeGang,
  scheduleOne,
  type Decision,
  type Diagnosis,
  type PlacedPod,
  type Reservation,
  type StoodUnit,
  type Unit,
} from '@coracle/scheduler/core';
import { begin, count, interrupt, noteStretch, stretchesOf } from '../jobs.ts';
import type { SimPod } from '../job-kind.ts';
import { indexOf } from '../node-events.ts';
import { namedPod, podsFor } from '../placing.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { groupOf } from './make-room.ts';
import type { Pass } from './pass.ts';

export class LivePass implements Pass {
  readonly #state: RunState;
  readonly #queue = createQueue();
  readonly #hints: Hints;
  /** Who waits, by unit. */
  readonly #jobs = new Map<string, SimJob>();
  /** To be evicted when all that is due has been tried: the API server answers after that. */
  readonly #leaving = new Set<SimJob>();
  /** Units that they leave for. */
  readonly #evicting = new Set<string>();
  /** Interrupted, and not in the queue again. */
  readonly #interrupted: SimJob[] = [];
  /** By number of the job: where it stood in the run that is taken up again. */
  readonly #stood = new Map<number, Stood>();

  constructor(state: RunState) {
    this.#state = state;
    this.#hints = new Hints(
      this.#queue,
      () => state.framework,
      (unit) => this.#evicting.has(unit),
      () => false,
    );
  }

  add(job: SimJob): void {
    if (job.starts > 0) this.#interrupted.push(job);
    else this.#enqueue(job);
  }

  /** Between two moments nobody is due: all have been tried in vain. */
  save(): unknown {
    const stood: [index: number, Stood][] = [];
    for (const [key, { index }] of this.#jobs) {
      const { state, at, added, since, came, attempts, erred, rejectedBy, pods } = this.#queue.get(key)!;
      if (state !== 'unschedulable' && state !== 'backoff') throw new Error(`job ${index} is ${state}`);
      const { nominations } = this.#state.framework;
      const nodes = [...pods.keys()].map((uid) => nominations.nodeOf(uid));
      const unit = { state, at, added, since, came, attempts, erred, rejectedBy: [...rejectedBy] };
      stood.push([index, { unit, nodes }]);
    }
    return stood;
  }
  restore(saved: unknown): void {
    for (const [index, stood] of saved as [number, Stood][]) this.#stood.set(index, stood);
  }
  put(job: SimJob): void {
    const { unit: before, nodes } = this.#stood.get(job.index)!;
    this.#stood.delete(job.index);
    const unit = this.#unitOf(job);
    for (const [i, pod] of [...unit.pods.values()].entries())
      if (nodes[i] !== undefined) this.#state.framework.nominations.set(pod, nodes[i]);
    this.#queue.restore(unit, before);
  }

  #enqueue(job: SimJob): void {
    const unit = this.#unitOf(job);
    unit.ready = true;
    this.#queue.changed(unit, this.#state.nowMs, true);
  }

  #unitOf(job: SimJob): Unit {
    const key = `${job.kind.pods === 1 ? 'pod' : 'gang'}/${job.index}/${job.starts}`;
    const unit = this.#queue.unit(key);
    job.named = 0;
    for (const pod of podsFor(this.#state, job)) unit.pods.set(pod.uid, pod);
    unit.priority = job.priority;
    this.#jobs.set(key, job);
    return unit;
  }

  run(): void {
    const { nodes, nowMs } = this.#state;
    for (;;) {
      this.#tellRoom();
      this.#hints.apply(nowMs);
      for (let unit = this.#queue.pop(nowMs); unit; unit = this.#queue.pop(nowMs)) this.#decide(unit);
      if (this.#leaving.size > 0) this.#evict();
      else if (!this.#hints.pending && nodes.freed.length === 0 && !nodes.freedAnywhere) {
        if (this.#interrupted.length === 0) return;
        for (const job of this.#interrupted.splice(0)) this.#enqueue(job);
      }
    }
  }

  /** Pods are seen to end one after the other: somebody may be put where the first was before the last has left. */
  ending(job: SimJob): void {
    const state = this.#state;
    // Of another job that has ended in the same moment.
    this.run();
    if (job.pods.length === 1) return;
    noteStretch(state, job, stretchesOf(state, job));
    job.stretchMs = state.nowMs;
    job.pods.sort((a, b) => numberOf(a) - numberOf(b));
    for (const pod of job.pods.slice(0, -1)) {
      // Unless what followed from the last one evicted this job.
      if (!job.running) return;
      job.pods.shift();
      count(state, job, pod, -1, state.snapshot.removePod(pod.uid)!.row);
      this.run();
    }
  }

  /** When somebody is due though nothing happens. */
  nextDue(): number | undefined {
    return this.#queue.nextDue(this.#state.nowMs);
  }

  /** In the order in which they were tried last. */
  *waiting(): Iterable<SimJob> {
    const tried = new Set<SimJob>();
    for (const { key } of this.#queue.unschedulable()) tried.add(this.#jobs.get(key)!);
    yield* tried;
    for (const job of this.#jobs.values()) if (!tried.has(job)) yield job;
    yield* this.#interrupted;
  }

  #tellRoom(): void {
    const { nodes, snapshot } = this.#state;
    const { alive, rowCount } = snapshot;
    const rows = nodes.freedAnywhere ? Array.from({ length: rowCount }, (_, row) => row) : nodes.freed;
    for (const row of rows) if (alive[row] !== 0) this.#hints.add(row);
    nodes.looked();
  }

  #decide(unit: Unit): void {
    const job = this.#jobs.get(unit.key)!;
    this.#state.counts.decisions++;
    job.named = 0;
    if (job.kind.pods === 1) this.#decidePod(unit, job);
    else this.#decideGang(unit, job);
  }

  #decidePod(unit: Unit, job: SimJob): void {
    const state = this.#state;
    const { framework, kinds, nowMs } = state;
    const pod = namedPod(state, job, kinds.baseOf(job.kind, 0, job));
    let decision: Decision;
    try {
      decision = scheduleOne(framework, pod);
    } catch (error) {
      if (!(error instanceof CannotReserve)) throw error;
      this.#queue.failed(unit, nowMs, new Set(), true);
      return;
    }
    if (decision.fits) {
      this.#start(unit, job, [{ pod, reservations: decision.reservations ?? [] }]);
      return;
    }
    const { diagnosis } = decision;
    const again = this.#makeRoom(unit, pod, diagnosis) || diagnosis.unfinished === true;
    this.#queue.failed(unit, nowMs, diagnosis.plugins, again);
  }

  /** True if nothing needs to leave: the pod is to look again soon. */
  #makeRoom(unit: Unit, pod: SimPod, diagnosis: Diagnosis): boolean {
    const state = this.#state;
    const { framework, spec } = state;
    if (!spec.preemption) return false;
    const { nominations } = framework;
    const found = findPreemption(framework, pod, diagnosis, {
      budgets: [],
      random: state.lots,
      group: (victim) => groupOf(state, victim),
    });
    if (!('victims' in found)) {
      nominations.delete(pod.uid);
      return false;
    }
    const { nodeName, pods } = found.victims;
    nominations.set(pod, nodeName);
    this.#leave(unit, pods);
    return pods.length === 0;
  }

  #decideGang(unit: Unit, job: SimJob): void {
    const state = this.#state;
    const { framework, spec, nowMs } = state;
    const pods = podsFor(state, job);
    const gang = { pods, minCount: job.kind.least, scheduled: 0 };
    const decision = placeGang(framework, gang);
    if (decision.fits) {
      this.#start(unit, job, decision.placed);
      return;
    }
    const { nominations } = framework;
    for (const { uid } of pods) nominations.delete(uid);
    const found = spec.preemption
      ? findGangPreemption(framework, gang, { budgets: [], group: (victim) => groupOf(state, victim) })
      : undefined;
    for (const { pod, nodeName } of found?.placed ?? []) nominations.set(pod, nodeName);
    if (found) this.#leave(unit, found.victims);
    this.#queue.failed(unit, nowMs, dominantMember(decision)?.diagnosis.plugins ?? new Set());
  }

  #start(
    unit: Unit,
    job: SimJob,
    placed: readonly { readonly pod: unknown; readonly reservations: readonly Reservation[] }[],
  ): void {
    const { nominations } = this.#state.framework;
    for (const { pod, reservations } of placed) {
      for (const reservation of reservations) reservation.settle?.();
      job.pods.push(pod as SimPod);
      nominations.delete((pod as SimPod).uid);
    }
    this.#queue.drop(unit.key);
    this.#jobs.delete(unit.key);
    begin(this.#state, job);
    this.#hints.podCame();
  }

  #leave(unit: Unit, victims: readonly PlacedPod[]): void {
    this.#evicting.add(unit.key);
    for (const { info } of victims) this.#leaving.add(this.#state.active.get(indexOf(info.uid))!);
  }

  #evict(): void {
    // In the order in which they were chosen: so they go, and so they are made anew.
    for (const job of this.#leaving) {
      this.#state.counts.preemptions++;
      interrupt(this.#state, job);
      this.#interrupted.push(job);
    }
    this.#leaving.clear();
    this.#evicting.clear();
  }
}

/** Of a pod among those of its job: see `namedPod`. */
const numberOf = ({ uid }: SimPod): number => Number(/\.(\d+)/.exec(uid)?.[1] ?? 0);

interface Stood {
  readonly unit: StoodUnit;
  /** That its pods are nominated to, in their order. */
  readonly nodes: readonly (string | undefined)[];
}
