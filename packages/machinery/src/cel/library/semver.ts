/** Semantic versions (semver.org 2.0.0): `semver("1.2.3")`. */
import { declare } from '../declare.ts';
import { compareText } from '../equality.ts';
import { CelError } from '../errors.ts';
import { type Int, Opaque, toInt } from '../values.ts';
import { textCost } from './operators.ts';

const pattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
const leadingZero = /^0\d+$/;
const maxPart = (1n << 64n) - 1n;

export class Semver extends Opaque {
  override readonly typeName = 'kubernetes.Semver';
  readonly parts: readonly [major: bigint, minor: bigint, patch: bigint];
  readonly prerelease: readonly string[];
  constructor(parts: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    super();
    this.parts = parts;
    this.prerelease = prerelease;
  }
  /** By precedence: build metadata does not count. */
  override equals(other: Opaque): boolean {
    return other instanceof Semver && compareSemver(this, other) === 0;
  }
}

/** Reads a version; undefined if the text is none. */
export function readSemver(text: string): Semver | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const parts = [match[1], match[2], match[3]].map((part) => BigInt(part ?? '0')) as [bigint, bigint, bigint];
  const prerelease = match[4]?.split('.') ?? [];
  if (parts.some((part) => part > maxPart) || prerelease.some((part) => leadingZero.test(part)))
    return undefined;
  return new Semver(parts, prerelease);
}

/** Precedence: negative, 0 or positive. */
export function compareSemver(a: Semver, b: Semver): number {
  for (let index = 0; index < 3; index++) {
    const left = a.parts[index] ?? 0n;
    const right = b.parts[index] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  // A version comes after its pre-releases.
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Math.sign(b.prerelease.length - a.prerelease.length);
  const length = Math.max(a.prerelease.length, b.prerelease.length);
  for (let index = 0; index < length; index++) {
    const order = compareIdentifiers(a.prerelease[index], b.prerelease[index]);
    if (order !== 0) return order;
  }
  return 0;
}
/** Fewer identifiers come first, numbers before words. */
function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const left = /^\d+$/.test(a);
  const right = /^\d+$/.test(b);
  if (left !== right) return left ? -1 : 1;
  if (!left) return Math.sign(compareText(a, b));
  return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
}

/** What lenient reading forgives: a `v` in front, missing minor and patch, zeros in front of numbers. */
function normalised(text: string): string {
  const [core = '', ...rest] = text.replace(/^v/, '').split(/(?=[-+])/);
  const parts = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return parts.join('.') + rest.join('');
}

function parse(text: string): Semver {
  const version = readSemver(text);
  if (!version) throw new CelError(`invalid semantic version: ${text}`);
  return version;
}
const part =
  (index: 0 | 1 | 2) =>
  ({ parts }: Semver): Int =>
    toInt(parts[index]);

export const semvers = [
  declare('semver(string): Semver', parse, textCost),
  declare('semver(string, bool): Semver', (text: string, lenient: boolean) =>
    parse(lenient ? normalised(text) : text),
  ),
  declare('isSemver(string): bool', (text: string) => readSemver(text) !== undefined, textCost),
  declare(
    'isSemver(string, bool): bool',
    (text: string, lenient: boolean) => readSemver(lenient ? normalised(text) : text) !== undefined,
  ),
  declare('Semver.major(): int', part(0)),
  declare('Semver.minor(): int', part(1)),
  declare('Semver.patch(): int', part(2)),
  declare('Semver.isGreaterThan(Semver): bool', (a: Semver, b: Semver) => compareSemver(a, b) > 0),
  declare('Semver.isLessThan(Semver): bool', (a: Semver, b: Semver) => compareSemver(a, b) < 0),
  declare('Semver.compareTo(Semver): int', compareSemver),
];
