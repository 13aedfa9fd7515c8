/**
 * Go's math/rand, seeded: the authors of the openb experiment shuffled with it, so the same seed gives the same order of pods
 * and of nodes here, and their figures can be met seed by seed rather than on average.
 *
 * It is the additive lagged Fibonacci generator x[n] = x[n-607] + x[n-273] modulo 2^64. A seed is mixed with the generator's
 * own state after 7.8e12 steps from a fixed start; that state is computed here, by raising the step to that power.
 */
const length = 607;
const tap = 273;
const stepsToStart = 7_800_000_000_000n;
const int32max = 2 ** 31 - 1;

/** The multiplicative generator that fills the state: 48271 x modulo 2^31 - 1. */
function nextSeed(x: number): number {
  return (x * 48271) % int32max;
}

/** Fills 607 words from a seed, `wide` bits apart. */
function fill(seed: number, wide: bigint): BigUint64Array {
  const words = new BigUint64Array(length);
  let x = seed;
  for (let i = 0; i < 20; i++) x = nextSeed(x);
  for (let i = 0; i < length; i++) {
    x = nextSeed(x);
    let word = BigInt(x) << (2n * wide);
    x = nextSeed(x);
    word ^= BigInt(x) << wide;
    x = nextSeed(x);
    words[i] = word ^ BigInt(x);
  }
  return words;
}

/** The register is written downwards from place 333: step n writes here. */
function placeOf(step: number): number {
  return (((length - tap - 1 - step) % length) + length) % length;
}

/** Product of two polynomials in the step, reduced by x^607 = 1 + x^334. */
function multiply(a: BigUint64Array, b: BigUint64Array): BigUint64Array {
  const product = new BigUint64Array(2 * length - 1);
  for (let i = 0; i < length; i++) {
    const factor = a[i]!;
    if (factor === 0n) continue;
    for (let j = 0; j < length; j++) product[i + j]! += factor * b[j]!;
  }
  for (let i = 2 * length - 2; i >= length; i--) {
    product[i - length]! += product[i]!;
    product[i - tap]! += product[i]!;
  }
  return product.slice(0, length);
}

function startingState(): BigUint64Array {
  const first = fill(1, 10n);
  // The sequence before step 0, oldest first, and as much after it.
  const sequence = new BigUint64Array(2 * length);
  for (let n = 0; n < length; n++) sequence[n] = first[placeOf(n)]!;
  for (let n = length; n < 2 * length; n++) sequence[n] = sequence[n - length]! + sequence[n - tap]!;
  let power = new BigUint64Array(length);
  power[0] = 1n;
  for (const bit of stepsToStart.toString(2)) {
    power = multiply(power, power) as BigUint64Array<ArrayBuffer>;
    if (bit === '0') continue;
    const overflow = power[length - 1]!;
    power.copyWithin(1, 0, length - 1);
    power[0] = overflow;
    power[length - tap]! += overflow;
  }
  const state = new BigUint64Array(length);
  const from = Number(stepsToStart % BigInt(length));
  for (let s = 0; s < length; s++) {
    let word = 0n;
    for (let i = 0; i < length; i++) word += power[i]! * sequence[i + s]!;
    state[placeOf(from + s)] = BigInt.asUintN(64, word);
  }
  return state;
}

let starting: BigUint64Array | undefined;

export class GoRandom {
  readonly #register: BigUint64Array;
  #tap = 0;
  #feed = length - tap;

  constructor(seed: number) {
    starting ??= startingState();
    this.#register = fill(seed % int32max || 89482311, 20n);
    for (let i = 0; i < length; i++) this.#register[i]! ^= starting[i]!;
  }

  #uint64(): bigint {
    this.#tap = (this.#tap + length - 1) % length;
    this.#feed = (this.#feed + length - 1) % length;
    const value = BigInt.asUintN(64, this.#register[this.#feed]! + this.#register[this.#tap]!);
    this.#register[this.#feed] = value;
    return value;
  }

  /** rand.Int. */
  int(): bigint {
    return this.#uint64() & (2n ** 63n - 1n);
  }

  /** rand.Intn, for n up to 2^31. */
  intn(n: number): number {
    const top = 2 ** 31 - (2 ** 31 % n) - 1;
    let value = this.#int31();
    if ((n & (n - 1)) === 0) return value & (n - 1);
    while (value > top) value = this.#int31();
    return value % n;
  }

  /** rand.Shuffle. */
  shuffle(items: unknown[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.#lemire(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }

  /** rand.Perm: a permutation of 0..n-1. */
  perm(n: number): number[] {
    const result: number[] = [];
    for (let i = 0; i < n; i++) {
      const j = this.intn(i + 1);
      result[i] = result[j] ?? i;
      result[j] = i;
    }
    return result;
  }

  #int31(): number {
    return Number(this.int() >> 32n);
  }

  /** int31n: a number below n by multiplication. */
  #lemire(n: number): number {
    const product = () => (this.int() >> 31n) * BigInt(n);
    let value = product();
    let low = Number(value & 0xffffffffn);
    if (low < n) {
      const threshold = (2 ** 32 - n) % n;
      while (low < threshold) {
        value = product();
        low = Number(value & 0xffffffffn);
      }
    }
    return Number(value >> 32n);
  }
}
