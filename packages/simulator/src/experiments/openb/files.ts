/** The traces' folder, as the authors published it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readOpenbNodes, readOpenbPods } from '../../inputs/openb.ts';
import { fileSource } from '../../inputs/text-source.ts';
import { openbTrace, type OpenbTrace } from './experiment.ts';
import { readOpenbCells, type OpenbCell } from './published.ts';

const nodeFile = 'openb_node_list_gpu_node.csv';
const podFile = /^openb_pod_list_(.+)\.csv$/;

/** Workloads there are pods of. */
export function openbWorkloads(folder: string): string[] {
  return readdirSync(folder)
    .map((file) => podFile.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .toSorted();
}

/** Throws InputError. */
export function readOpenbTrace(folder: string, workload: string): OpenbTrace {
  return openbTrace(
    workload,
    readOpenbNodes(fileSource(join(folder, nodeFile))),
    readOpenbPods(fileSource(join(folder, `openb_pod_list_${workload}.csv`))),
  );
}

/** None if the folder has no `published.csv`. */
export function openbCells(folder: string): OpenbCell[] {
  const file = join(folder, 'published.csv');
  return existsSync(file) ? readOpenbCells(fileSource(file)) : [];
}
