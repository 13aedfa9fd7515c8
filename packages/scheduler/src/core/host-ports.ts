/** Host ports in use on one node, counted. Ports of different protocols never clash; an ip of 0.0.0.0 clashes with all. */
import type { HostPort } from './pod-info.ts';

export class UsedPorts {
  /** `protocol/port` -> ip -> how many pods. Invariant: no empty inner maps, no zero counts. */
  readonly #used = new Map<string, Map<string, number>>();

  get size(): number {
    return this.#used.size;
  }

  add(port: HostPort): void {
    const slot = slotOf(port);
    let ips = this.#used.get(slot);
    if (!ips) this.#used.set(slot, (ips = new Map()));
    ips.set(port.ip, (ips.get(port.ip) ?? 0) + 1);
  }

  remove(port: HostPort): void {
    const slot = slotOf(port);
    const ips = this.#used.get(slot);
    const count = ips?.get(port.ip);
    if (!ips || count === undefined) return;
    if (count > 1) ips.set(port.ip, count - 1);
    else ips.delete(port.ip);
    if (ips.size === 0) this.#used.delete(slot);
  }

  /** True if a pod with this port cannot run beside what is here. */
  conflicts(port: HostPort): boolean {
    const ips = this.#used.get(slotOf(port));
    if (!ips) return false;
    return port.ip === '0.0.0.0' || ips.has('0.0.0.0') || ips.has(port.ip);
  }
}

function slotOf(port: HostPort): string {
  return `${port.protocol}/${port.port}`;
}
