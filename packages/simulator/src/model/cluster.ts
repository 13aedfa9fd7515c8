/** What a simulation runs on. */
import type { Node } from '@coracle/machinery/api';

/** On every node of a pool: the pool's name. */
export const poolLabel = 'coracle.dev/pool';

/** Equal nodes that may be added and taken away. */
export interface NodePool {
  readonly name: string;
  /** A node of it, but for its name and `poolLabel`. */
  readonly template: Pick<Node, 'metadata' | 'spec' | 'status'>;
  /** Nodes at the start. */
  readonly count: number;
}

/** A node comes or goes: one that is not there all the time. */
export interface NodeChange {
  /** Since the start of the workload. */
  readonly atMs: number;
  /** Name of one of `Cluster.nodes`. */
  readonly node: string;
  /**
   * `leaves`: what runs there is interrupted. `retires`: nothing new starts there, and it leaves when the last job there has
   * ended.
   */
  readonly what: 'joins' | 'leaves' | 'retires';
}

export interface Cluster {
  readonly name: string;
  /** All nodes at the start, and those that join, in the order the scheduler visits them. Those of pools have `poolLabel`. */
  readonly nodes: readonly Node[];
  readonly pools: readonly NodePool[];
  /** In the order of time. A node whose first is `joins` is not there at the start. Default: none. */
  readonly changes?: readonly NodeChange[];
}
