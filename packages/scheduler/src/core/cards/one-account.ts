/**
 * A card can be asked for in two ways: as a resource or a part of a card (CardColumns), and as a device through a claim
 * (dra/uses.ts). On nodes whose agent offers its cards both ways, what is taken one way is counted in the other, at once and
 * in trials too, so that no card is given twice.
 */
import {
  cardDevice,
  cardDriver,
  cardOfDevice,
  memoryCapacity,
  shareCapacity,
  wholeCard,
} from '@coracle/machinery';
import type { AllocationResult } from '../dra/types.ts';
import type { Uses } from '../dra/uses.ts';
import { value } from '../quantity.ts';
import type { CardColumns } from './card-columns.ts';

/** Marks what is counted among the devices and held as a resource. */
const asResource = 'resource';

/** `touched`: the row's cards have changed. */
export function oneAccount(cards: CardColumns, uses: Uses, touched: (row: number) => void): void {
  uses.counted = ({ driver, pool, device, shareID, consumedCapacity }, sign) => {
    if (driver !== cardDriver || shareID === asResource) return;
    const of = cardOfDevice(device);
    if (!of) return;
    const share = consumedCapacity?.[shareCapacity];
    const memory = consumedCapacity?.[memoryCapacity];
    const milli =
      shareID === undefined || share === undefined ? wholeCard : Math.min(wholeCard, value(share));
    const part = { milli, memory: memory === undefined ? 0 : value(memory), partition: of.partition };
    const row = cards.claim(pool, of.card, part, sign);
    if (row !== undefined) touched(row);
  };
  cards.taken = (nodeName, indices, milli, memory, sign) => {
    const consumedCapacity: Record<string, string> = { [shareCapacity]: String(milli) };
    if (memory > 0) consumedCapacity[memoryCapacity] = String(memory);
    const results = indices.map((card) => ({
      request: asResource,
      driver: cardDriver,
      pool: nodeName,
      device: cardDevice(card),
      shareID: asResource,
      consumedCapacity,
    }));
    uses.count({ devices: { results } } as AllocationResult, sign);
  };
}
