/** What a node says of its cards: how many, which model, how much memory, how they are linked. */
import {
  modelAnnotation,
  readTopology,
  topologyAnnotation,
  wholeCardResource,
  type CardTopology,
} from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import { value } from '../quantity.ts';

/** The authors of the openb traces count a node's cards under this name. */
const countResource = 'alibabacloud.com/gpu-count';
/** Labels of GPU feature discovery. */
const productLabel = 'nvidia.com/gpu.product';
const memoryLabel = 'nvidia.com/gpu.memory';

export interface NodeCards {
  readonly count: number;
  /** '' if the node does not say. */
  readonly model: string;
  /** Bytes of each card; 0 if the node does not say. */
  readonly memory: number;
  readonly topology: CardTopology | undefined;
  /** Whole cards are offered as an extended resource (by a device plugin, or an agent in its place). */
  readonly offered: boolean;
}

export const noCards: NodeCards = { count: 0, model: '', memory: 0, topology: undefined, offered: false };

/** More than any machine has; beyond it a node's number is taken for a mistake and cut. */
const maxCards = 64;

export function nodeCards(node: Node): NodeCards {
  const { labels, annotations } = node.metadata;
  const offered = node.status?.allocatable ?? {};
  const topology = readTopology(annotations?.[topologyAnnotation]);
  // Which cards there are does not change when some of them are given away: the capacity counts, not the allocatable rest.
  const quantity =
    node.status?.capacity?.[wholeCardResource] ?? offered[wholeCardResource] ?? offered[countResource];
  const count = topology?.size ?? (quantity === undefined ? 0 : value(quantity));
  const mebibytes = Number(labels?.[memoryLabel] ?? 0);
  return {
    count: Math.min(maxCards, count),
    model: labels?.[modelAnnotation] ?? labels?.[productLabel] ?? '',
    memory: Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : 0,
    topology,
    offered: value(offered[wholeCardResource] ?? '0') > 0,
  };
}
