/**
 * Cluster-wide pools: Service addresses and node ports. What is taken is read from the stored Services at the start and
 * kept in memory from then on; the server is the only writer, so memory and store agree.
 */
import type { Service } from '@coracle/machinery/api';
import type { Allocators, Lookup } from '../contracts.ts';

export interface AllocatorOptions {
  /** IPv4 range of Service addresses: `10.96.0.0/16`. */
  serviceCidr: string;
  nodePorts: { first: number; last: number };
  random: () => number;
}

const toNumber = (ip: string): number | undefined => {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((p) => !Number.isInteger(p) || p < 0 || p > 255)) return undefined;
  return parts.reduce((all, part) => all * 256 + part, 0);
};
const toText = (ip: number): string => [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.');

/** First and last usable address of a CIDR. Throws a plain Error when it is none (the engine does not start). */
export function cidrRange(cidr: string): { first: number; last: number } {
  const [base = '', bitsText = ''] = cidr.split('/');
  const ip = toNumber(base);
  const bits = Number(bitsText);
  if (ip === undefined || !Number.isInteger(bits) || bits < 8 || bits > 30)
    throw new Error(`${JSON.stringify(cidr)} is not an IPv4 CIDR between /8 and /30`);
  const size = 2 ** (32 - bits);
  const network = Math.floor(ip / size) * size;
  return { first: network + 1, last: network + size - 2 };
}

class Pool {
  readonly #taken = new Set<number>();
  readonly #first: number;
  readonly #last: number;
  readonly #random: () => number;
  constructor(range: { first: number; last: number }, random: () => number) {
    this.#first = range.first;
    this.#last = range.last;
    this.#random = random;
  }
  contains(value: number): boolean {
    return value >= this.#first && value <= this.#last;
  }
  /** False if somebody has it. */
  take(value: number): boolean {
    if (this.#taken.has(value)) return false;
    this.#taken.add(value);
    return true;
  }
  /** Any free value; undefined when there is none. */
  any(): number | undefined {
    const size = this.#last - this.#first + 1;
    if (this.#taken.size >= size) return undefined;
    const start = Math.floor(this.#random() * size);
    for (let i = 0; i < size; i++) {
      const value = this.#first + ((start + i) % size);
      if (this.take(value)) return value;
    }
    return undefined;
  }
  free(value: number): void {
    this.#taken.delete(value);
  }
}

/** The pools of a server. Allocation throws a plain Error that says why; the strategy knows which field it is about. */
export function createAllocators(lookup: Lookup, options: AllocatorOptions): Allocators & { load(): void } {
  const addresses = new Pool(cidrRange(options.serviceCidr), options.random);
  const ports = new Pool(options.nodePorts, options.random);
  return {
    /** Marks what stored Services hold. Call once, before the first write. */
    load() {
      for (const service of lookup.list('', 'services') as unknown as Service[]) {
        for (const ip of service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']) {
          const value = toNumber(ip);
          if (value !== undefined) addresses.take(value);
        }
        for (const { nodePort } of service.spec?.ports ?? []) if (nodePort) ports.take(nodePort);
        if (service.spec?.healthCheckNodePort) ports.take(service.spec.healthCheckNodePort);
      }
    },
    clusterIp(wanted) {
      if (wanted !== undefined) {
        const value = toNumber(wanted);
        if (value === undefined || !addresses.contains(value))
          throw new Error(
            `failed to allocate IP ${wanted}: the provided network does not match the current range`,
          );
        if (!addresses.take(value))
          throw new Error(`failed to allocate IP ${wanted}: provided IP is already allocated`);
        return wanted;
      }
      const value = addresses.any();
      if (value === undefined) throw new Error('failed to allocate a serviceIP: range is full');
      return toText(value);
    },
    nodePort(wanted) {
      if (wanted !== undefined) {
        const { first, last } = options.nodePorts;
        if (!ports.contains(wanted))
          throw new Error(
            `provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
          );
        if (!ports.take(wanted)) throw new Error('provided port is already allocated');
        return wanted;
      }
      const value = ports.any();
      if (value === undefined) throw new Error('failed to allocate a nodePort: range is full');
      return value;
    },
    release(given) {
      if (typeof given === 'number') ports.free(given);
      else {
        const value = toNumber(given);
        if (value !== undefined) addresses.free(value);
      }
    },
  };
}
