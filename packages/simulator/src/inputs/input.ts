/** What reading an input gives. */
import type { Cluster } from '../model/cluster.ts';
import type { InputNote, Workload } from '../model/job.ts';
import type { NodeSize } from './nodes.ts';

export interface Input {
  readonly format: string;
  readonly workload?: Workload;
  readonly cluster?: Cluster;
  /** Of the workload and of the cluster. */
  readonly notes: readonly InputNote[];
  /** When time 0 of the workload was, in milliseconds since 1970, if the input says so. */
  readonly epochMs?: number;
}

/** What all readers take. */
export interface ReadOptions {
  /** Rows that cannot be read are skipped and noted instead of ending the reading. Default false. */
  readonly lenient?: boolean;
  /** For traces that do not say what a node is: its size. Each reader has its default. */
  readonly node?: Partial<NodeSize>;
}
