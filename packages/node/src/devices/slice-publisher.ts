/** Offers the node's cards as devices: the ResourceSlice a DRA driver writes. */
import type { Client } from '@coracle/client';
import {
  cardDevice,
  cardDriver,
  deepEqual,
  isReason,
  memoryCapacity,
  parseQuantity,
  shareCapacity,
  wholeCard,
} from '@coracle/machinery';
import { type Node, ResourceSlice, type resource_v1 } from '@coracle/machinery/api';
import { find } from '@coracle/operator';
import type { DeviceManager } from './device-manager.ts';
import type { Gpu } from './gpus.ts';

/** The devices of the cards by number; those that are gone are left out. Several claims may share one, by its capacities. */
export function cardDevices(cards: readonly (Gpu | undefined)[]): resource_v1.Device[] {
  return cards.flatMap((gpu, number) => (gpu ? [deviceOf(gpu, number)] : []));
}

function deviceOf(gpu: Gpu, number: number): resource_v1.Device {
  const attributes: Record<string, resource_v1.DeviceAttribute> = {
    type: { string: 'gpu' },
    uuid: { string: gpu.id },
    productName: { string: gpu.model.slice(0, 64) },
    index: { int: number },
  };
  if (gpu.numaNode !== undefined) attributes['numaNode'] = { int: gpu.numaNode };
  if (gpu.pciBusId !== undefined) attributes['resource.kubernetes.io/pciBusID'] = { string: gpu.pciBusId };
  if (gpu.pcieRoot !== undefined) attributes['resource.kubernetes.io/pcieRoot'] = { string: gpu.pcieRoot };
  const capacity: Record<string, resource_v1.DeviceCapacity> = {
    // Whoever asks for no share gets the whole card.
    [shareCapacity]: {
      value: written(wholeCard),
      requestPolicy: {
        default: written(wholeCard),
        validRange: { min: '1', max: written(wholeCard), step: '1' },
      },
    },
  };
  if (gpu.memoryBytes > 0) {
    const mebibytes = written(`${Math.floor(gpu.memoryBytes / 2 ** 20)}Mi`);
    capacity[memoryCapacity] = {
      value: mebibytes,
      requestPolicy: { default: '1Mi', validRange: { min: '1Mi', max: mebibytes, step: '1Mi' } },
    };
  }
  return { name: cardDevice(number), allowMultipleAllocations: true, attributes, capacity };
}

/** As the API server writes it, so that what is there already is recognized. */
function written(quantity: number | string): string {
  return parseQuantity(quantity).toString();
}

/** Brings the node's slice up to date: made, changed under a new generation, or removed where there are no cards. */
export async function publishCards(client: Client, node: Node, devices: DeviceManager): Promise<void> {
  const nodeName = node.metadata.name;
  const name = `${nodeName}-${cardDriver}`;
  const before = await find(client, ResourceSlice, { name });
  const list = cardDevices(devices.cards);
  if (list.length === 0) {
    if (before) await client.delete(ResourceSlice, name);
    return;
  }
  if (before && deepEqual(before.spec.devices, list)) return;
  const pool = { name: nodeName, generation: (before?.spec.pool.generation ?? 0) + 1, resourceSliceCount: 1 };
  const spec = { driver: cardDriver, nodeName, pool, devices: list };
  if (before) {
    await client.update(ResourceSlice, { ...before, spec });
    return;
  }
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true },
  ];
  try {
    await client.create(ResourceSlice, { metadata: { name, ownerReferences }, spec });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    await publishCards(client, node, devices);
  }
}
