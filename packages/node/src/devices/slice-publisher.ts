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
import type { DeviceManager } from './device-manager.ts';
import type { Gpu } from './gpus.ts';
import {
  cardCounters,
  partitionAsGpu,
  partitionCounters,
  partitionsOf,
  wholeCardCounters,
  type Partition,
} from './mig.ts';

/** The devices of the cards by number; those that are gone are left out. Several claims may share one, by its capacities. */
export function cardDevices(cards: readonly (Gpu | undefined)[]): resource_v1.Device[] {
  return cards.flatMap((gpu, number) => {
    if (!gpu) return [];
    if (gpu.mig !== true) return [deviceOf(gpu, number)];
    const parts = partitionsOf(number).map((partition) => partitionDevice(gpu, number, partition));
    return [{ ...deviceOf(gpu, number), consumesCounters: wholeCardCounters(number) }, ...parts];
  });
}

function partitionDevice(gpu: Gpu, number: number, partition: Partition): resource_v1.Device {
  const { attributes = {} } = deviceOf(gpu, number);
  const own = partitionAsGpu(gpu, partition);
  return {
    name: partition.device,
    attributes: {
      ...attributes,
      type: { string: 'mig' },
      uuid: { string: own.id },
      profile: { string: partition.profile },
      parentUUID: { string: gpu.id },
    },
    capacity: {
      [memoryCapacity]: { value: written(`${Math.floor(own.memoryBytes / 2 ** 20)}Mi`) },
      multiprocessors: { value: String(partition.computeSlices) },
    },
    consumesCounters: partitionCounters(number, partition),
  };
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

/** A slice has at most so many devices; so many where they consume counters. */
const maxDevices = 128;
const maxPartitionable = 64;

type Content = Pick<resource_v1.ResourceSliceSpec, 'devices' | 'sharedCounters'>;

/** What the slices of the node's pool hold: counters apart from devices, as the API wants it. */
function contents(cards: readonly (Gpu | undefined)[]): Content[] {
  const devices = cardDevices(cards);
  const partitionable = cards.some((gpu) => gpu?.mig === true);
  const most = partitionable ? maxPartitionable : maxDevices;
  const slices: Content[] = [];
  for (let i = 0; i < devices.length; i += most) slices.push({ devices: devices.slice(i, i + most) });
  if (partitionable) {
    const sharedCounters = cards.flatMap((gpu, number) => (gpu?.mig === true ? [cardCounters(number)] : []));
    // A slice holds as many counter sets as it may.
    for (let i = 0; i < sharedCounters.length; i += 8)
      slices.push({ sharedCounters: sharedCounters.slice(i, i + 8) });
  }
  return slices;
}

/** Brings the node's slices up to date: made, changed under a new generation, or removed where there are too many. */
export async function publishCards(client: Client, node: Node, devices: DeviceManager): Promise<void> {
  const nodeName = node.metadata.name;
  const wanted = contents(devices.cards);
  const selector = `spec.driver=${cardDriver},spec.nodeName=${nodeName}`;
  const before = (await client.list(ResourceSlice, { fieldSelector: selector })).items.filter(
    ({ spec }) => spec.driver === cardDriver && spec.nodeName === nodeName,
  );
  const nameOf = (i: number): string => `${nodeName}-${cardDriver}${i === 0 ? '' : `-${i}`}`;
  const known = new Map(before.map((slice) => [slice.metadata.name, slice]));
  const same =
    before.length === wanted.length &&
    wanted.every(({ devices: list, sharedCounters }, i) => {
      const spec = known.get(nameOf(i))?.spec;
      return spec && deepEqual(spec.devices, list) && deepEqual(spec.sharedCounters, sharedCounters);
    });
  if (same) return;
  const generation = Math.max(0, ...before.map(({ spec }) => spec.pool.generation)) + 1;
  const pool = { name: nodeName, generation, resourceSliceCount: wanted.length };
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true },
  ];
  for (const [i, content] of wanted.entries()) {
    const name = nameOf(i);
    const spec = { driver: cardDriver, nodeName, pool, ...content };
    const old = known.get(name);
    known.delete(name);
    if (old) await client.update(ResourceSlice, { ...old, spec });
    else await client.create(ResourceSlice, { metadata: { name, ownerReferences }, spec });
  }
  for (const name of known.keys()) {
    try {
      await client.delete(ResourceSlice, name);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
