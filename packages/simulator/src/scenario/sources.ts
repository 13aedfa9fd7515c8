/** Files of a scenario, each read once for runs that follow each other. */
import type { Node } from '@coracle/machinery/api';
import { loadAll, YAMLException } from 'js-yaml';
import { readFileSync, statSync } from 'node:fs';
import { detect } from '../inputs/detect.ts';
import { generate } from '../inputs/generator/generate.ts';
import { InputError } from '../inputs/input-error.ts';
import { readInput, type InputOptions, type InputRequest } from '../inputs/read-input.ts';
import { headOf } from '../inputs/text-source.ts';
import type { Cluster } from '../model/cluster.ts';
import { noteText } from '../inputs/notes.ts';
import type { InputNote, Workload } from '../model/job.ts';
import { recordedWaits } from './recorded-waits.ts';
import type { SourceJobs, Sources } from './run-spec.ts';
import { ScenarioError } from './scenario-error.ts';
import type { WorkloadSpec } from './types.ts';

/** Reads from the disk. What was read last is kept, because runs of a sweep mostly differ in something else. */
export function createSources(): Sources {
  const jobs = lastOf<SourceJobs>();
  const nodes = lastOf<readonly Node[]>();
  return {
    text: readText,
    nodes: (path) => nodes(path, () => readNodes(path)),
    workload({ from, format, mapping, generate: settings, ...spec }, seed) {
      if (from === undefined) {
        const priorities = (settings?.['priorities'] ?? []) as readonly { readonly value: number }[];
        const prioritised = priorities.some(({ value }) => value !== 0) ? 1 : 0;
        return jobs(JSON.stringify([settings, seed]), () => ({
          workload: { ...generate({ seed, ...settings }), prioritised },
          nodes: [],
          changes: [],
        }));
      }
      const options = optionsOf(spec);
      return jobs(JSON.stringify([from, format, mapping, options]), () => {
        const input = readInput({
          path: from,
          ...(format !== undefined && { format: format as NonNullable<InputRequest['format']> }),
          ...(mapping && { mapping }),
          options,
        });
        if (!input.workload)
          throw new ScenarioError(
            `${from}: there are nodes in it and no jobs (nodes: --cluster, jobs: --from)`,
          );
        const { nodes = [], changes = [] } = input.cluster ?? {};
        if (input.workload.count === 0) throw new ScenarioError(noJobs(from, input.notes));
        return { workload: kept(input.workload), nodes, changes };
      });
    },
  };
}

function noJobs(from: string, notes: readonly InputNote[]): string {
  const why = notes.filter(({ what }) => what === 'skipped').map(noteText);
  return `${from}: there are no jobs in it${why.length > 0 ? `: ${why.join('; ')}` : ''}`;
}

/** What readers take of it. */
function optionsOf({
  lenient,
  cardsPerNode,
  coresPerNode,
  machines,
  stillRunning,
  cardTypes,
  tenant,
}: WorkloadSpec): InputOptions {
  return {
    ...(lenient !== undefined && { lenient }),
    node: {
      ...(cardsPerNode !== undefined && { gpus: cardsPerNode }),
      ...(coresPerNode !== undefined && { cpuMilli: coresPerNode * 1000 }),
    },
    ...(machines && { machines }),
    ...(stillRunning && { stillRunning }),
    ...(cardTypes !== undefined && { gpuTypes: cardTypes }),
    ...(tenant && { tenant }),
  };
}

/** Read once and not for every run. */
function kept(workload: Workload): Workload {
  const all = [...workload.jobs()];
  const prioritised = all.filter(({ priority = 0 }) => priority !== 0).length;
  const recorded = recordedWaits(all);
  return { ...workload, count: all.length, prioritised, ...(recorded && { recorded }), jobs: () => all };
}

function lastOf<T>(): (key: string, read: () => T) => T {
  let last: { key: string; value: T } | undefined;
  return (key, read) => (last?.key === key ? last : (last = { key, value: read() })).value;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(path, code === 'ENOENT' ? 'there is no such file' : message, {}, error);
  }
}

/** Node objects as Kubernetes writes them, or what the inputs know as nodes. */
function readNodes(path: string): readonly Node[] {
  if (/\.(ya?ml|json)$/.test(path)) {
    const found = nodeObjects(path, readText(path));
    if (found) return found;
  }
  const kind = isFile(path) ? detect(headOf(path)) : undefined;
  if (kind === 'csv table' || kind === 'other') {
    throw new ScenarioError(
      `${path}: there are no nodes in it that are known here: Node objects (kubectl get nodes -o yaml), a recording, or the node list ` +
        'of a trace were expected',
    );
  }
  const { cluster } = readInput({ path });
  if (!cluster || cluster.nodes.length === 0) throw new ScenarioError(`${path}: there are no nodes in it`);
  return atTheEnd(cluster);
}

/** Without its jobs, a recording says what nodes there are: those that were there when it ended. */
function atTheEnd({ nodes, changes = [] }: Cluster): readonly Node[] {
  const last = new Map(changes.map(({ node, what }) => [node, what]));
  const there = nodes.filter(({ metadata }) => (last.get(metadata.name ?? '') ?? 'joins') === 'joins');
  return there.length > 0 ? there : nodes;
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

interface Manifest {
  readonly kind?: string;
  readonly items?: readonly Node[];
}

/** Undefined: it is something else. */
function nodeObjects(path: string, text: string): Node[] | undefined {
  let documents: unknown[];
  try {
    documents = loadAll(text);
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
  const objects = (documents as (Manifest | null)[]).flatMap((one) =>
    one === null ? [] : Array.isArray(one?.items) ? (one.items as Manifest[]) : [one],
  );
  if (!objects.some(({ kind }) => kind !== undefined)) return undefined;
  const nodes = objects.filter(({ kind }) => kind === 'Node') as unknown as Node[];
  if (nodes.length === 0) throw new ScenarioError(`${path}: there are no objects of kind Node in it`);
  return nodes;
}
