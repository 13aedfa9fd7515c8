/**
 * A run on disk: all that it is at one moment, as bytes. Jobs are not in it: the workload gives the same ones again, and those
 * that are under way are picked from it. What the scheduler core keeps to be quick is not in it either: it is found again.
 * Left out: what plugins learn while they run (FGDScore without a target workload); they learn anew.
 */
import { deserialize, serialize } from 'node:v8';
import type { Job } from '../model/job.ts';
import type { JobColumns } from '../model/result.ts';
import type { Holding } from '../ordering/backfill.ts';
import type { HeapState } from './event-heap.ts';
import type { SimPod } from './job-kind.ts';
import type { Pass } from './passes/pass.ts';
import { holdingOf } from './passes/holdings.ts';
import type { RunState } from './run-state.ts';
import { SimJob } from './sim-job.ts';

const format = 'coracle run 2';

interface SavedPod {
  readonly uid: string;
  /** Index of its pod set. */
  readonly set: number;
  readonly cards: readonly number[] | undefined;
  readonly startTime: string | undefined;
}

/** Fields of a SimJob that change. */
const fields = [
  'running',
  'named',
  'work',
  'held',
  'settledMs',
  'startLeftMs',
  'speed',
  'saved',
  'lost',
  'waitedMs',
  'waitingSinceMs',
  'startedMs',
  'starts',
  'failures',
  'version',
  'rank',
  'stretchMs',
  'goodFromMs',
  'gpuMilliHeld',
  'cpuMilliHeld',
  'pendingGood',
] as const;

/** Of the state: plain numbers. */
const numbers = [
  'running',
  'runningFinite',
  'ended',
  'windowsLeft',
  'nodesDown',
  'nodesBooting',
  'joinsLeft',
] as const;

interface Saved {
  readonly format: string;
  readonly run: readonly unknown[];
  readonly nowMs: number;
  readonly own: unknown;
  readonly ordering: unknown;
  readonly draws: readonly number[];
  readonly events: HeapState;
  readonly table: JobColumns;
  readonly counts: RunState['counts'];
  readonly numbers: Record<string, number>;
  readonly recorders: readonly unknown[];
  readonly nodes: unknown;
  readonly windows: unknown;
  readonly retiring: readonly number[];
  readonly pools: unknown;
  readonly held: RunState['held'];
  readonly jobs: readonly {
    readonly index: number;
    readonly values: readonly unknown[];
    readonly pods: SavedPod[];
  }[];
  /** By row: which pods, in the order in which the core has them. */
  readonly rows: readonly (readonly string[])[];
  readonly elastic: readonly number[];
  readonly holdings: readonly { readonly index: number; readonly untilMs: number }[];
  readonly blocked: readonly (readonly [kind: number, upTo: number])[];
  readonly pass: unknown;
  readonly waiting: readonly number[];
}

/** What a run must have in common with the one that was saved. */
function identity({ spec }: RunState): unknown[] {
  const { cluster, workload, placement, ordering, seed, speeds } = spec;
  const about = [cluster.name, cluster.nodes.length, workload.name, placement.name, ordering.name, seed];
  return speeds ? [...about, speeds] : about;
}

function recorders({ series, heat, gantt, demand, fragments, stays }: RunState) {
  return [series, heat, gantt, demand, fragments, stays];
}

/** `own`: what the event loop itself remembers. */
export function save(state: RunState, pass: Pass, own: unknown): Uint8Array {
  const { snapshot, framework, ties, preemptionTies } = state;
  const rows: string[][] = [];
  for (let row = 0; row < snapshot.rowCount; row++)
    rows.push(snapshot.podsOn(row).map(({ info }) => info.uid));
  const byHolding = new Map<Holding, number>();
  for (const job of state.active.values()) if (job.holding) byHolding.set(job.holding, job.index);
  const saved: Saved = {
    format,
    run: identity(state),
    nowMs: state.nowMs,
    own,
    ordering: state.ordering.save?.(),
    draws: [ties.drawn, preemptionTies.drawn, framework.searchStart],
    events: state.events.save(),
    table: state.table.columns(),
    counts: { ...state.counts },
    numbers: Object.fromEntries(numbers.map((name) => [name, state[name]])),
    recorders: recorders(state).map((recorder) => recorder?.save()),
    nodes: state.nodes.save(),
    windows: state.windows.save(),
    retiring: [...state.retiring],
    pools: state.pools.save(),
    held: state.held,
    jobs: [...state.active.values()].map((job) => ({
      index: job.index,
      values: fields.map((name) => job[name]),
      pods: job.pods.map((pod) => savedPod(state, job, pod)),
    })),
    rows,
    elastic: [...state.elastic].map(({ index }) => index),
    holdings: [...(state.holdings ?? [])].map((holding) => ({
      index: byHolding.get(holding)!,
      untilMs: holding.untilMs,
    })),
    blocked: state.blockedKinds.map(({ id, blockedUpTo }) => [id, blockedUpTo]),
    pass: pass.save(),
    waiting: [...pass.waiting()].map(({ index }) => index),
  };
  return serialize(saved);
}

function savedPod({ snapshot }: RunState, job: SimJob, pod: SimPod): SavedPod {
  const { spec } = pod.pod;
  return {
    uid: pod.uid,
    set: job.kind.sets.findIndex(({ template }) => template.spec === spec),
    cards: snapshot.cards.heldBy(pod.uid),
    startTime: pod.pod.status?.startTime,
  };
}

/** What the bytes say. Throws if they are not of such a run. */
export function read(bytes: Uint8Array): { readonly remembered: unknown; readonly saved: unknown } {
  let saved: Partial<Saved> | undefined;
  try {
    saved = deserialize(bytes) as Partial<Saved>;
  } catch (cause) {
    throw new Error('this is not a saved run', { cause });
  }
  if (saved?.format !== format) throw new Error('this is not a saved run, or one of another version');
  return { remembered: saved.ordering, saved };
}

/** Makes a fresh state what was saved. Answers what the event loop remembered. `jobs` has given all that had been submitted. */
export function restore(state: RunState, pass: Pass, from: unknown, jobs: Iterator<Job>): unknown {
  const saved = from as Saved;
  if (JSON.stringify(saved.run) !== JSON.stringify(identity(state)))
    throw new Error('the saved run is of another cluster, workload, policy or seed');
  state.clock.nowMs = saved.nowMs;
  [state.ties.drawn, state.preemptionTies.drawn, state.framework.searchStart] = saved.draws as [
    number,
    number,
    number,
  ];
  state.events.restore(saved.events);
  state.table.restore(saved.table);
  Object.assign(state.counts, saved.counts);
  Object.assign(state, saved.numbers);
  state.pools.restore(saved.pools);
  for (const [i, recorder] of recorders(state).entries()) recorder?.restore(saved.recorders[i]);
  state.nodes.restore(saved.nodes);
  state.windows.restore(saved.windows);
  for (const number of saved.retiring) state.retiring.add(number);
  state.held.push(...saved.held);
  restoreJobs(state, saved, jobs);
  for (let row = 0; row < state.snapshot.rowCount; row++) state.nodes.masks.update(row);
  for (const index of saved.elastic) state.elastic.add(state.active.get(index)!);
  for (const { index, untilMs } of saved.holdings) {
    const job = state.active.get(index)!;
    job.holding = { ...holdingOf(state, job), untilMs };
    state.holdings!.add(job.holding);
  }
  for (const [id, upTo] of saved.blocked) {
    const kind = state.kinds.list[id]!;
    kind.blockedUpTo = upTo;
    state.blockedKinds.push(kind);
  }
  pass.restore(saved.pass);
  for (const index of saved.waiting) pass.put(state.active.get(index)!);
  return saved.own;
}

function restoreJobs(state: RunState, saved: Saved, jobs: Iterator<Job>): void {
  const { table, kinds, snapshot } = state;
  const underWay = new Map(saved.jobs.map((job) => [job.index, job]));
  const pods = new Map<string, { readonly pod: SimPod; readonly cards: readonly number[] | undefined }>();
  for (let index = 0; index < table.length; index++) {
    const { value: job, done } = jobs.next() as IteratorResult<Job, undefined>;
    if (done || job.id !== table.ids[index]) throw new Error('the workload is not that of the saved run');
    const kind = kinds.of(job);
    const known = underWay.get(index);
    if (!known) continue;
    const sim = new SimJob(
      job,
      index,
      kind,
      table.tenant[index]!,
      state.clock,
      state.spec.preemption ?? false,
    );
    for (const [i, name] of fields.entries())
      (sim as unknown as Record<string, unknown>)[name] = known.values[i];
    for (const { uid, set, cards, startTime } of known.pods) {
      const base = kinds.describe(kind.sets[set]!.template, job.tenant, sim.priority);
      const pod: SimPod =
        startTime === undefined
          ? { ...base, uid }
          : { ...base, uid, pod: { ...base.pod, status: { startTime } } as SimPod['pod'] };
      sim.pods.push(pod);
      pods.set(uid, { pod, cards });
    }
    state.active.set(index, sim);
  }
  for (const [row, uids] of saved.rows.entries()) {
    for (const uid of uids) {
      const { pod, cards } = pods.get(uid)!;
      if (cards) snapshot.cards.assign(uid, cards);
      snapshot.addPod(pod, snapshot.nameOf(row));
      snapshot.cards.assign(uid, undefined);
    }
  }
}
