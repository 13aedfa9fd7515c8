/** Names by which users, scheduler and node agents speak of a node's cards (GPUs). docs/gpus.md tells users. */

/** A whole card, in the unit all parts of cards are counted in. */
export const wholeCard = 1000;

/** Whole cards, as everybody's device plugin offers them. */
export const wholeCardResource = 'nvidia.com/gpu';

/** Parts of cards, in the annotations of Alibaba's GPU sharing and of the openb traces: thousandths of each card, */
export const milliAnnotation = 'alibabacloud.com/gpu-milli';
/** memory of each card, */
export const memoryAnnotation = 'alibabacloud.com/gpu-mem';
/** how many cards, */
export const countAnnotation = 'alibabacloud.com/gpu-count';
/** of which models, separated by `|`; on nodes a label: the model it has; */
export const modelAnnotation = 'alibabacloud.com/gpu-card-model';
/** and, written with the binding, the numbers of the cards given, separated by `-`. */
export const indexAnnotation = 'alibabacloud.com/gpu-index';

/** The node agent's account of its cards, on the Node: JSON, a TopologyText. Says that the agent heeds `gpu-index`. */
export const topologyAnnotation = 'coracle.dev/gpu-topology';

/** Cards as devices (`resource.k8s.io`): the driver; a node's pool has the node's name. */
export const cardDriver = 'gpu.coracle.dev';
/** Capacities of a card that several claims may share: thousandths, and bytes. */
export const shareCapacity = 'share';
export const memoryCapacity = 'memory';

/** The device that is the card. */
export function cardDevice(card: number): string {
  return `gpu-${card}`;
}

/** The card that a device is, or is a part of; undefined for a name of another form. */
export function cardOfDevice(device: string): { card: number; partition: boolean } | undefined {
  const match = /^gpu-(\d+)(-mig-.+)?$/.exec(device);
  return match ? { card: Number(match[1]), partition: match[2] !== undefined } : undefined;
}

/** Of `0-3`; undefined where it is absent, something else, or names a card twice. */
export function readIndices(text: string | undefined): readonly number[] | undefined {
  if (text === undefined || !/^\d+(-\d+)*$/.test(text)) return undefined;
  const indices = text.split('-').map(Number);
  return new Set(indices).size === indices.length ? indices : undefined;
}

/** The annotation's value for these cards. */
export function writeIndices(indices: readonly number[]): string {
  return indices.join('-');
}
