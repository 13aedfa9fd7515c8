/** IP addresses and networks: `ip("10.0.0.1")`, `cidr("10.0.0.0/8")`. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { Opaque } from '../values.ts';
import { textCost } from './operators.ts';

/** An address as its bits, in the 32 or 128 of its family. */
export class IP extends Opaque {
  override readonly typeName = 'net.IP';
  readonly bits: bigint;
  readonly family: 4 | 6;
  constructor(bits: bigint, family: 4 | 6) {
    super();
    this.bits = bits;
    this.family = family;
  }
  override equals(other: Opaque): boolean {
    return other instanceof IP && other.bits === this.bits && other.family === this.family;
  }
}
export class CIDR extends Opaque {
  override readonly typeName = 'net.CIDR';
  /** With its host bits. */
  readonly address: IP;
  readonly length: number;
  constructor(address: IP, length: number) {
    super();
    this.address = address;
    this.length = length;
  }
  override equals(other: Opaque): boolean {
    return other instanceof CIDR && other.length === this.length && other.address.equals(this.address);
  }
}

const widthOf = ({ family }: IP): number => (family === 4 ? 32 : 128);

function readV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}
function readV6(source: string): bigint | undefined {
  let text = source;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const low = readV4(dotted[2] ?? '');
    if (low === undefined) return undefined;
    text = `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: gap }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
/** IPv4 inside IPv6, which Kubernetes refuses. */
const isMapped = (bits: bigint): boolean => bits >> 32n === 0xffffn;

function readIP(text: string): IP | undefined {
  if (!text.includes(':')) {
    const bits = readV4(text);
    return bits === undefined ? undefined : new IP(bits, 4);
  }
  const bits = readV6(text);
  return bits === undefined || isMapped(bits) ? undefined : new IP(bits, 6);
}
function readCIDR(text: string): CIDR | undefined {
  const match = /^(.+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match && readIP(match[1] ?? '');
  const length = Number(match?.[2]);
  return address && length <= widthOf(address) ? new CIDR(address, length) : undefined;
}
function parseIP(text: string): IP {
  const address = readIP(text);
  if (!address)
    throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return address;
}
function parseCIDR(text: string): CIDR {
  const network = readCIDR(text);
  if (!network) throw new CelError(`network address parse error during conversion from string: ${text}`);
  return network;
}

/** The canonical form (RFC 5952 for IPv6). */
export function showIP({ bits, family }: IP): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((bits >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
export const showCIDR = ({ address, length }: CIDR): string => `${showIP(address)}/${length}`;

const hostBits = (network: CIDR): bigint => BigInt(widthOf(network.address) - network.length);
function masked(network: CIDR): CIDR {
  const shift = hostBits(network);
  return new CIDR(new IP((network.address.bits >> shift) << shift, network.address.family), network.length);
}
function containsIP(network: CIDR, address: IP): boolean {
  const shift = hostBits(network);
  return network.address.family === address.family && network.address.bits >> shift === address.bits >> shift;
}
const containsCIDR = (network: CIDR, other: CIDR): boolean =>
  network.length <= other.length && containsIP(network, masked(other).address);

const inRange = (
  { bits, family }: IP,
  v4: readonly [bigint, bigint],
  v6: readonly [bigint, bigint],
): boolean => {
  const [shift, prefix] = family === 4 ? v4 : v6;
  return bits >> shift === prefix;
};
const isLoopback = (address: IP): boolean => inRange(address, [24n, 127n], [0n, 1n]);
const isUnspecified = ({ bits }: IP): boolean => bits === 0n;
const isMulticast = (address: IP): boolean => inRange(address, [28n, 0xen], [120n, 0xffn]);
const isLinkLocalUnicast = (address: IP): boolean => inRange(address, [16n, 0xa9fen], [118n, 0x3fan]);
function isLinkLocalMulticast({ bits, family }: IP): boolean {
  return family === 4 ? bits >> 8n === 0xe00000n : bits >> 120n === 0xffn && ((bits >> 112n) & 0xfn) === 2n;
}
const isGlobalUnicast = (address: IP): boolean =>
  !(address.family === 4 && address.bits === 0xffffffffn) &&
  !isUnspecified(address) &&
  !isLoopback(address) &&
  !isMulticast(address) &&
  !isLinkLocalUnicast(address);

export const addresses = [
  declare('ip(string): IP', parseIP, textCost),
  declare('isIP(string): bool', (text: string) => readIP(text) !== undefined, textCost),
  declare('#ip.isCanonical(string): bool', (text: string) => showIP(parseIP(text)) === text, textCost),
  declare('string(IP): string', showIP),
  declare('IP.family(): int', ({ family }: IP) => family),
  declare('IP.isUnspecified(): bool', isUnspecified),
  declare('IP.isLoopback(): bool', isLoopback),
  declare('IP.isLinkLocalMulticast(): bool', isLinkLocalMulticast),
  declare('IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast),
  declare('IP.isGlobalUnicast(): bool', isGlobalUnicast),
  declare('cidr(string): CIDR', parseCIDR, textCost),
  declare('isCIDR(string): bool', (text: string) => readCIDR(text) !== undefined, textCost),
  declare('string(CIDR): string', showCIDR),
  declare('CIDR.containsIP(IP): bool', containsIP),
  declare('CIDR.containsIP(string): bool', (network: CIDR, text: string) =>
    containsIP(network, parseIP(text)),
  ),
  declare('CIDR.containsCIDR(CIDR): bool', containsCIDR),
  declare('CIDR.containsCIDR(string): bool', (network: CIDR, text: string) =>
    containsCIDR(network, parseCIDR(text)),
  ),
  declare('CIDR.ip(): IP', ({ address }: CIDR) => address),
  declare('CIDR.masked(): CIDR', masked),
  declare('CIDR.prefixLength(): int', ({ length }: CIDR) => length),
];
