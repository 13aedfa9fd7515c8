/** Files of a scenario, each read once for runs that follow each other. */
import type { Node } from '@coracle/machinery/api';
import { loadAll, YAMLException } from 'js-yaml';
import { readFileSync } from 'node:fs';
import { generate } from '../inputs/generator/generate.ts';
import { InputError } from '../inputs/input-error.ts';
import { readInput, type InputRequest } from '../inputs/read-input.ts';
import type { Workload } from '../model/job.ts';
import type { Sources } from './run-spec.ts';
import { ScenarioError } from './scenario-error.ts';

type Jobs = ReturnType<Sources['workload']>;

/** Reads from the disk. What was read last is kept, because runs of a sweep mostly differ in something else. */
export function createSources(): Sources {
  const jobs = lastOf<Jobs>();
  const nodes = lastOf<readonly Node[]>();
  return {
    text: readText,
    nodes: (path) => nodes(path, () => readNodes(path)),
    workload({ from, format, mapping, lenient, generate: settings }, seed) {
      if (from === undefined) {
        return jobs(JSON.stringify([settings, seed]), () => ({
          workload: generate({ seed, ...settings }),
          nodes: [],
        }));
      }
      return jobs(JSON.stringify([from, format, mapping, lenient]), () => {
        const input = readInput({
          path: from,
          ...(format !== undefined && { format: format as NonNullable<InputRequest['format']> }),
          ...(mapping && { mapping }),
          ...(lenient !== undefined && { options: { lenient } }),
        });
        if (!input.workload)
          throw new ScenarioError(
            `${from}: there are nodes in it and no jobs (nodes: --cluster, jobs: --from)`,
          );
        return { workload: kept(input.workload), nodes: input.cluster?.nodes ?? [] };
      });
    },
  };
}

/** Read once and not for every run. */
function kept(workload: Workload): Workload {
  const all = [...workload.jobs()];
  return { ...workload, count: all.length, jobs: () => all };
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
  const { cluster } = readInput({ path });
  if (!cluster || cluster.nodes.length === 0) throw new ScenarioError(`${path}: there are no nodes in it`);
  return cluster.nodes;
}

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
