/**
 * Pod addresses on one machine without a network of its own: each pod gets a loopback address out of 127.64.0.0/10, so
 * that four workers can listen on the same port of their own address. Linux answers on all of 127.0.0.0/8; elsewhere only
 * 127.0.0.1 works, which all pods then share.
 */
import { createHash } from 'node:crypto';

export class PodAddresses {
  readonly #taken = new Map<string, string>();
  readonly #many: boolean;

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#many = platform !== 'darwin';
  }

  /** The address of a pod: spread by its uid, so that two agents on one machine hardly meet; free among ours. */
  assign(podUid: string): string {
    if (!this.#many) return '127.0.0.1';
    const digest = createHash('sha256').update(podUid).digest();
    let number = digest.readUInt32BE(0);
    for (;;) {
      const address = toAddress(number % 2 ** 22);
      const owner = this.#taken.get(address);
      if (address !== undefined && (owner === undefined || owner === podUid)) {
        this.#taken.set(address, podUid);
        return address;
      }
      number += 1;
    }
  }

  /** Notes the address of a pod found again. */
  adopt(podUid: string, address: string): void {
    this.#taken.set(address, podUid);
  }

  release(address: string): void {
    this.#taken.delete(address);
  }
}

/** The `n`th address of 127.64.0.0/10, avoiding last bytes 0 and 255, which look like network addresses. */
function toAddress(n: number): string {
  const last = (n % 254) + 1;
  const rest = Math.floor(n / 254) % 2 ** 14;
  return `127.${64 + (rest >> 8)}.${rest & 255}.${last}`;
}
