/**
 * Partitions of a card (MIG): which there may be, where on the card, and what they have. A card has eight memory slices and
 * seven compute slices; partitions that share none of them can be had together. That is what the counters of its resource
 * slice say.
 */
import { createHash } from 'node:crypto';
import { cardDevice } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';
import type { Gpu } from './gpus.ts';

/** Of cards with 80 GiB. Starts are memory slices, as NVIDIA's placements. */
const profiles = [
  { name: '1g.10gb', compute: 1, memory: 1, starts: [0, 1, 2, 3, 4, 5, 6] },
  { name: '2g.20gb', compute: 2, memory: 2, starts: [0, 2, 4] },
  { name: '3g.40gb', compute: 3, memory: 4, starts: [0, 4] },
  { name: '4g.40gb', compute: 4, memory: 4, starts: [0] },
  { name: '7g.80gb', compute: 7, memory: 8, starts: [0] },
] as const;

const memorySlices = 8;
const computeSlices = 7;

export interface Partition {
  /** Name of the device: `gpu-0-mig-1g-10gb-3`. */
  readonly device: string;
  /** `1g.10gb`. */
  readonly profile: string;
  /** First memory slice. */
  readonly start: number;
  readonly memorySlices: number;
  readonly computeSlices: number;
}

/** All partitions that the card of this number may have, not all at once. */
export function partitionsOf(card: number): readonly Partition[] {
  return profiles.flatMap(({ name, compute, memory, starts }) =>
    starts.map((start) => ({
      device: `${cardDevice(card)}-mig-${name.replace('.', '-')}-${start}`,
      profile: name,
      start,
      memorySlices: memory,
      computeSlices: compute,
    })),
  );
}

/** The part of a card's memory that a partition has, in bytes. */
export function partitionMemory(gpu: Gpu, { memorySlices: slices }: Partition): number {
  return Math.floor((gpu.memoryBytes * slices) / memorySlices);
}

/** A partition as programs see it: a card of its own. Its id is the same each time. */
export function partitionAsGpu(gpu: Gpu, partition: Partition): Gpu {
  const hex = createHash('sha256').update(`${gpu.id}/${partition.device}`).digest('hex');
  const id = `MIG-${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
  return {
    ...gpu,
    id,
    model: `${gpu.model} MIG ${partition.profile}`,
    memoryBytes: partitionMemory(gpu, partition),
  };
}

const sliceCounter = (slice: number): string => `memory-slice-${slice}`;

/** What there is of a card to share out among its partitions. */
export function cardCounters(card: number): resource_v1.CounterSet {
  return { name: cardDevice(card), counters: countersFor(0, memorySlices, computeSlices) };
}

/** What the whole card takes of it: everything. */
export function wholeCardCounters(card: number): resource_v1.DeviceCounterConsumption[] {
  return [{ counterSet: cardDevice(card), counters: countersFor(0, memorySlices, computeSlices) }];
}

export function partitionCounters(
  card: number,
  partition: Partition,
): resource_v1.DeviceCounterConsumption[] {
  const { start, memorySlices: memory, computeSlices: compute } = partition;
  return [{ counterSet: cardDevice(card), counters: countersFor(start, memory, compute) }];
}

function countersFor(start: number, memory: number, compute: number): Record<string, resource_v1.Counter> {
  const counters: Record<string, resource_v1.Counter> = { 'compute-slices': { value: String(compute) } };
  for (let slice = start; slice < start + memory; slice++) counters[sliceCounter(slice)] = { value: '1' };
  return counters;
}
