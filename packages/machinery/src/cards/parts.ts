import { valueOf_ } from '../quantity.ts';
import { countAnnotation, memoryAnnotation, milliAnnotation, wholeCard } from './names.ts';

/** Parts of cards, as annotations ask for them. */
export interface CardParts {
  readonly count: number;
  /** Thousandths of each card, 0..1000. 0: only memory is asked for. */
  readonly milli: number;
  /** Bytes of each card; 0: none asked for. */
  readonly memory: number;
}

/**
 * What a pod's annotations ask for. Undefined: they do not speak of parts of cards. A count or an amount that is no number
 * asks for nothing: `count` is 0.
 */
export function cardParts(annotations: Readonly<Record<string, string>> | undefined): CardParts | undefined {
  const milliText = annotations?.[milliAnnotation];
  const memoryText = annotations?.[memoryAnnotation];
  const countText = annotations?.[countAnnotation];
  if (milliText === undefined && memoryText === undefined && countText === undefined) return undefined;
  const memory = memoryText === undefined ? 0 : amount(memoryText);
  const whole = memory > 0 ? 0 : wholeCard;
  const milli = milliText === undefined ? whole : Math.min(wholeCard, Math.max(0, amount(milliText)));
  const asked = countText === undefined ? 1 : /^\d+$/.test(countText) ? Number(countText) : 0;
  return { count: milli === 0 && memory === 0 ? 0 : asked, milli, memory };
}

function amount(quantity: string): number {
  try {
    return valueOf_(quantity);
  } catch {
    return 0;
  }
}
