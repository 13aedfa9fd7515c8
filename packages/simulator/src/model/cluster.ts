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

export interface Cluster {
  readonly name: string;
  /** All nodes at the start, in the order the scheduler visits them. Those of pools have `poolLabel`. */
  readonly nodes: readonly Node[];
  readonly pools: readonly NodePool[];
}
