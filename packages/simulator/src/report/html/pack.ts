/** Large data small enough for a page: deflated, as base64. */
import { deflateRawSync } from 'node:zlib';
import type { HeatMap, RunResult } from '../../model/result.ts';
import type { PageGantt, PageHeat } from './page-data.ts';

export function packBytes(bytes: Uint8Array): string {
  return deflateRawSync(bytes, { level: 6 }).toString('base64');
}

function packJson(value: unknown): string {
  return packBytes(new TextEncoder().encode(JSON.stringify(value)));
}

/** All heat maps in `budget` characters: less exact if needed (steps of 5 %), then several nodes a row. */
export function packHeats(
  details: readonly { readonly candidate: number; readonly run: RunResult }[],
  budget: number,
): PageHeat[] {
  const shown = details.filter(({ run }) => run.heat.nodes.length > 0 && run.heat.columns > 0);
  for (let each = 1; ; each *= 2) {
    for (const step of each === 1 ? [1, 5] : [5]) {
      const packed = shown.map(({ candidate, run }) => packHeat(candidate, run, each, step));
      const size = packed.reduce((total, heat) => total + heat.data.length + heat.names.length, 0);
      if (size <= budget || packed.every(({ rows }) => rows <= 1)) return packed;
    }
  }
}

function packHeat(candidate: number, { heat, seed }: RunResult, each: number, step: number): PageHeat {
  const rows = Math.ceil(heat.nodes.length / each);
  const bytes = new Uint8Array(rows * heat.columns);
  for (let row = 0; row < rows; row++) {
    const last = Math.min(heat.nodes.length, (row + 1) * each);
    for (let column = 0; column < heat.columns; column++) {
      bytes[row * heat.columns + column] = meanPercent(heat, row * each, last, column, step);
    }
  }
  const names = Array.from({ length: rows }, (_, row) => {
    const last = Math.min(heat.nodes.length, (row + 1) * each) - 1;
    const name = heat.nodes[row * each]!;
    return last === row * each ? name : `${name} to ${heat.nodes[last]!}`;
  });
  return {
    candidate,
    seed,
    fromMs: heat.fromMs,
    stepMs: heat.stepMs,
    nodes: heat.nodes.length,
    rows,
    columns: heat.columns,
    data: packBytes(bytes),
    names: packJson(names),
  };
}

function meanPercent(heat: HeatMap, from: number, to: number, column: number, step: number): number {
  let total = 0;
  let count = 0;
  for (let node = from; node < to; node++) {
    const percent = heat.percent[node * heat.columns + column]!;
    if (percent === 255) continue;
    total += percent;
    count++;
  }
  return count === 0 ? 255 : Math.round(total / count / step) * step;
}

/** The gantt chart of a run; of as many of the nodes, evenly picked, as `limit` stretches allow. Undefined without stretches. */
export function packGantt(candidate: number, run: RunResult, limit: number): PageGantt | undefined {
  const { gantt, heat, jobs } = run;
  if (gantt.job.length === 0) return undefined;
  const byNode = heat.nodes.map((): number[] => []);
  for (let index = 0; index < gantt.job.length; index++) byNode[gantt.node[index]!]?.push(index);
  const nodes = pickNodes(byNode, limit);
  const { fromMs, toMs } = bounds(run);
  const unitMs = Math.max(1, Math.floor((toMs - fromMs) / 2 ** 24));
  const out: number[] = [];
  const jobIndex = new Map<number, number>();
  for (const node of nodes) {
    const own = byNode[node]!.slice(0, limit).sort((a, b) => gantt.fromMs[a]! - gantt.fromMs[b]!);
    varint(out, own.length);
    let last = 0;
    for (const index of own) {
      const from = Math.round((gantt.fromMs[index]! - fromMs) / unitMs);
      const job = gantt.job[index]!;
      if (!jobIndex.has(job)) jobIndex.set(job, jobIndex.size);
      varint(out, from - last);
      // Ends are rounded as starts are: what follows one another does not overlap.
      varint(out, Math.max(0, Math.round((ends(run, index) - fromMs) / unitMs) - from));
      varint(out, jobIndex.get(job)!);
      varint(out, Math.round(gantt.gpuMilli[index]!));
      varint(out, Math.round(gantt.cpuMilli[index]!));
      last = from;
    }
  }
  return {
    candidate,
    seed: run.seed,
    fromMs,
    toMs,
    unitMs,
    tenants: jobs.tenants,
    thinned: nodes.length < byNode.filter(({ length }) => length > 0).length,
    data: packBytes(Uint8Array.from(out)),
    jobs: packJson([...jobIndex.keys()].map((job) => [jobs.ids[job], jobs.tenant[job]])),
    nodes: packJson(nodes.map((node) => heat.nodes[node])),
  };
}

/** Nodes with stretches, in order; every other, every fourth and so on if they are too many. */
function pickNodes(byNode: readonly (readonly number[])[], limit: number): number[] {
  const used = byNode.flatMap((own, node) => (own.length > 0 ? [node] : []));
  for (let each = 1; ; each *= 2) {
    const picked = used.filter((_, index) => index % each === 0);
    const count = picked.reduce((total, node) => total + byNode[node]!.length, 0);
    if (count <= limit || picked.length <= 1) return picked;
  }
}

/** What still runs at the end of the run ends there. */
function ends({ gantt, endMs }: RunResult, index: number): number {
  const toMs = gantt.toMs[index]!;
  return Number.isNaN(toMs) ? endMs : toMs;
}

function bounds(run: RunResult): { fromMs: number; toMs: number } {
  const { gantt } = run;
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < gantt.job.length; index++) {
    fromMs = Math.min(fromMs, gantt.fromMs[index]!);
    toMs = Math.max(toMs, ends(run, index));
  }
  return { fromMs, toMs };
}

/** LEB128, of a whole number not below 0. */
function varint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
