/**
 * Quantities: the numbers of Kubernetes (`500m`, `1.5Gi`, `2e3`), exactly.
 *
 * A value is a BigInt count of nano units (10^-9), the smallest a quantity can hold; finer input is rounded up, away
 * from zero for positives as upstream does. The written form keeps its family of suffixes (binary, decimal, exponent):
 * `toString()` gives the canonical form, where no precision is lost, no fractional digits are shown and the suffix is
 * the largest possible. Small whole numbers take a fast path without BigInt where only a number is wanted (`milliOf`).
 */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;
const binaryPower: Readonly<Record<string, bigint>> = {
  Ki: 10n,
  Mi: 20n,
  Gi: 30n,
  Ti: 40n,
  Pi: 50n,
  Ei: 60n,
};
const decimalPower: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const decimalSuffix: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(decimalPower).map(([suffix, power]) => [power, suffix]),
);
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const nano = 1_000_000_000n;
/** Values with a binary suffix are capped at 2^63 - 1. */
const limit = ((1n << 63n) - 1n) * nano;
const formatMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixMessage = "unable to parse quantity's suffix";
const numericMessage = 'unable to parse numeric part of quantity';
const loose = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;

const pow10 = (n: number): bigint => 10n ** BigInt(n);
/** Division that rounds away from zero. */
const divideUp = (a: bigint, b: bigint): bigint => (a > 0n ? (a + b - 1n) / b : (a - b + 1n) / b);

/** What the number before a suffix may not be a multiple of, lest a larger suffix would do. */
const stepOf: Readonly<Record<string, number>> = {
  m: 1000,
  k: 1000,
  M: 1000,
  G: 1000,
  T: 1000,
  Ki: 1024,
  Mi: 1024,
  Gi: 1024,
  Ti: 1024,
};

/**
 * True for most quantities in their canonical form (`0`, `250m`, `4`, `64Mi`), found out without a regular expression; false for
 * all other texts and for canonical forms that are rare.
 */
export function isPlainQuantity(text: string): boolean {
  let digits = 0;
  let value = 0;
  for (; digits < text.length; digits++) {
    const digit = text.charCodeAt(digits) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  if (digits === 0 || digits > 6) return false;
  if (text.charCodeAt(0) === 48) return text.length === 1;
  if (digits === text.length) return value % 1000 !== 0;
  const step = stepOf[text.slice(digits)];
  return step !== undefined && value % step !== 0;
}

/** Why `text` is not a quantity, in the API server's words; undefined if it is one. */
export function quantityProblem(text: string): string | undefined {
  const match = pattern.exec(text);
  if (match && (match[2] || match[3])) {
    const suffix = match[4] ?? '';
    if (/^[eE]/.test(suffix) && suffix.length > 1 && Math.abs(Number(suffix.slice(1))) > 1_000)
      return suffixMessage;
    return undefined;
  }
  const parts = loose.exec(text);
  if (!parts) return formatMessage;
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(parts[1] ?? '') ? suffixMessage : numericMessage;
}

/** An exact quantity. Immutable: arithmetic returns new values. */
export class Quantity {
  /** Count of 10^-9 units. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = 'DecimalSI') {
    this.nanos = nanos;
    this.format = format;
  }
  /** A whole number of units (cores, bytes, devices). */
  static of(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value) * nano, format);
  }
  /** Thousandths, as CPU is counted. */
  static ofMilli(milli: number): Quantity {
    return new Quantity(BigInt(Math.ceil(milli)) * 1_000_000n);
  }
  get isZero(): boolean {
    return this.nanos === 0n;
  }
  /** The sum, in this quantity's family of suffixes (the other's if this is zero). */
  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.isZero ? other.format : this.format);
  }
  sub(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.isZero ? other.format : this.format);
  }
  neg(): Quantity {
    return new Quantity(-this.nanos, this.format);
  }
  /** -1, 0 or 1. */
  cmp(other: Quantity): number {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0;
  }
  /** The nearest double. */
  toNumber(): number {
    const whole = this.nanos / nano;
    return Number(whole) + Number(this.nanos - whole * nano) / 1e9;
  }
  /** Thousandths; a finer rest is rounded away from zero (upstream's MilliValue). */
  milli(): number {
    return Number(divideUp(this.nanos, 1_000_000n));
  }
  /** Whole units; a rest is rounded away from zero (upstream's Value). */
  value(): number {
    return Number(divideUp(this.nanos, nano));
  }
  /** The canonical form. */
  toString(): string {
    if (this.nanos === 0n) return '0';
    let format = this.format;
    // Upstream: binary suffixes only for whole numbers of 1024 or more in size.
    if (
      format === 'BinarySI' &&
      (this.nanos % nano !== 0n || (this.nanos > -1024n * nano && this.nanos < 1024n * nano))
    ) {
      format = 'DecimalSI';
    }
    if (format === 'BinarySI') {
      let value = this.nanos / nano;
      let index = 0;
      while (index < 6 && value % 1024n === 0n) {
        value /= 1024n;
        index++;
      }
      return `${value}${binarySuffixes[index] ?? ''}`;
    }
    let value = this.nanos;
    let power = -9;
    while (value % 1000n === 0n && (format === 'DecimalExponent' || power < 18)) {
      value /= 1000n;
      power += 3;
    }
    if (format === 'DecimalExponent') return power === 0 ? `${value}` : `${value}e${power}`;
    return `${value}${decimalSuffix[power] ?? ''}`;
  }
  toJSON(): string {
    return this.toString();
  }
}

/** Quantities of texts that were parsed before: a cluster's amounts are a few, written again and again. */
const parsedBefore = new Map<string, Quantity>();
const remembered = 2_000;

/** Parses a quantity. Throws Error with the API server's message if `text` is none. Numbers stand for their text. */
export function parseQuantity(text: string | number): Quantity {
  const source = typeof text === 'number' ? String(text) : text;
  let quantity = parsedBefore.get(source);
  if (quantity !== undefined) return quantity;
  quantity = parse(source);
  if (source.length > 40) return quantity;
  if (parsedBefore.size >= remembered) parsedBefore.clear();
  parsedBefore.set(source, quantity);
  return quantity;
}

function parse(source: string): Quantity {
  const problem = quantityProblem(source);
  const match = problem === undefined ? pattern.exec(source) : null;
  if (!match) throw new Error(problem);
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  let digits = BigInt(whole + fraction || '0');
  let power = -fraction.length;
  let format: QuantityFormat = 'DecimalSI';
  const binary = binaryPower[suffix];
  if (binary !== undefined) {
    digits <<= binary;
    format = 'BinarySI';
  } else if (suffix.length > 1) {
    power += Number(suffix.slice(1));
    format = 'DecimalExponent';
  } else {
    power += decimalPower[suffix] ?? 0;
  }
  // To nano units; what is finer is rounded up in size.
  const shift = power + 9;
  let nanos = shift >= 0 ? digits * pow10(shift) : divideUp(digits, pow10(-shift));
  // Upstream caps what has a binary suffix, and only that.
  if (binary !== undefined && nanos > limit) nanos = limit;
  return new Quantity(sign === '-' ? -nanos : nanos, format);
}

const plain = /^\d{1,9}$/;
/** Milli units of a quantity as it stands in an object, rounded up; undefined counts as 0. Throws as parseQuantity. */
export function milliOf(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'string') {
    if (plain.test(quantity)) return Number(quantity) * 1000;
    const head = quantity.slice(0, -1);
    if (quantity.endsWith('m') && plain.test(head)) return Number(head);
  } else if (Number.isSafeInteger(quantity)) return quantity * 1000;
  return parseQuantity(quantity).milli();
}

const shifts: Readonly<Record<string, number>> = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4 };
const short = /^\d{1,6}$/;
/** Whole units of a quantity as it stands in an object, rounded up; undefined counts as 0. Throws as parseQuantity. */
export function valueOf_(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'string') {
    if (plain.test(quantity)) return Number(quantity);
    const factor = shifts[quantity.slice(-2)];
    const head = quantity.slice(0, -2);
    if (factor !== undefined && short.test(head)) {
      const value = Number(head) * factor;
      if (Number.isSafeInteger(value)) return value;
    }
  } else if (Number.isSafeInteger(quantity)) return quantity;
  return parseQuantity(quantity).value();
}
