/** The traces' folder: a CSV file each, and `published.json`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../inputs/input-error.ts';
import { readMuriJobs } from '../../inputs/muri.ts';
import { fileSource } from '../../inputs/text-source.ts';
import type { MuriTrace } from './experiment.ts';

/** Names of the traces there are. */
export function muriTraces(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^trace\w*\.csv$/.test(file))
    .map((file) => file.slice(0, -'.csv'.length))
    .toSorted();
}

/** Throws InputError. */
export function readMuriTrace(folder: string, name: string): MuriTrace {
  const source = fileSource(join(folder, `${name}.csv`));
  const node = { cpuMilli: 96_000, memoryMib: 1_048_576, gpus: 64 };
  return { onNodes: readMuriJobs(source), counted: readMuriJobs(source, { node }) };
}

/** Mean completion times in seconds, by policy and trace; empty if the folder has no `published.json`. Throws InputError. */
export function muriPublished(folder: string): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const file = join(folder, 'published.json');
  if (!existsSync(file)) return new Map();
  try {
    const { traces, avg_jct: means } = JSON.parse(readFileSync(file, 'utf8')) as {
      traces: string[];
      avg_jct: Record<string, number[]>;
    };
    return new Map(
      Object.entries(means).map(([policy, values]) => [
        policy,
        new Map(traces.map((trace, i) => [trace, values[i]!])),
      ]),
    );
  } catch (error) {
    throw new InputError(file, `is not what was expected: ${(error as Error).message}`, {}, error);
  }
}
