/**
 * What a pod asks of a node's cards (GPUs). Two ways are understood:
 * - whole cards: the extended resource `nvidia.com/gpu: N`, as everybody's device plugin offers it;
 * - parts of a card: the annotations of the Alibaba GPU-sharing tools (open-gpu-share, and the openb traces' simulator):
 *   `alibabacloud.com/gpu-milli` (thousandths of each card), `gpu-mem` (memory of each card), `gpu-count`,
 *   `gpu-card-model` (models separated by `|`), and `gpu-index`, the cards given (`0-3`).
 *
 * An annotation and not an extended resource, because a sum over a node's cards does not say whether one card has room.
 */
import { cardParts, indexAnnotation, modelAnnotation, readIndices, wholeCard } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';

export interface CardRequest {
  readonly count: number;
  /** Thousandths of each card, 0..1000. 0: only memory is asked for. */
  readonly milli: number;
  /** Bytes of each card; 0: none asked for. Whole cards come with all their memory. */
  readonly memory: number;
  /** Empty: any model. */
  readonly models: readonly string[];
  /** Cards given already, by number; undefined: not decided, or decided by a node agent that does not say. */
  readonly indices: readonly number[] | undefined;
  /** Asked for as the extended resource, which NodeResourcesFit counts too. */
  readonly extended: boolean;
  /** Equal requests have equal texts; the indices are no part of it. */
  readonly key: string;
}

/** Undefined: the pod asks for no card. `wholeCards`: its request of the extended resource. */
export function cardRequest(pod: Pod, wholeCards: number): CardRequest | undefined {
  const annotations = pod.metadata.annotations;
  const parts = cardParts(annotations);
  if (parts ? parts.count === 0 : wholeCards <= 0) return undefined;
  const indices = readIndices(annotations?.[indexAnnotation]);
  const models = readModels(annotations?.[modelAnnotation]);
  if (!parts) {
    const key = `whole ${wholeCards} ${models.join('|')}`;
    return { count: wholeCards, milli: wholeCard, memory: 0, models, indices, extended: true, key };
  }
  const { count, milli, memory } = parts;
  const key = `${count} ${milli} ${memory} ${models.join('|')}`;
  return { count, milli, memory, models, indices, extended: false, key };
}

function readModels(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split('|').filter((model) => model !== '');
}
