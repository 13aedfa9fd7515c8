/**
 * Seeded randomness. What happens to a job or a node is drawn from the seed, the purpose and its own number, not from one
 * shared stream: two policies compared with one seed meet the same failures, and a run that is taken up again needs no
 * state for them.
 */

/** 32 bits that all of the numbers decide. */
function mix(seed: number, a: number, b: number, c: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (let i = 0; i < 3; i++) {
    const word = i === 0 ? a : i === 1 ? b : c;
    hash = Math.imul(hash ^ word, 0xcc9e2d51);
    hash = (hash << 15) | (hash >>> 17);
    hash = Math.imul(hash, 5) + 0xe6546b64;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** What a draw is for. */
export const purposes = { tie: 1, nodeUp: 2, nodeDown: 3, jobFailure: 4, preemption: 5 } as const;
type Purpose = (typeof purposes)[keyof typeof purposes];

/** In (0, 1), of 53 bits: the `n`-th draw for this purpose about the `who`-th of its kind. */
export function draw(seed: number, purpose: Purpose, who: number, n: number): number {
  const high = mix(seed, purpose, who, 2 * n);
  const low = mix(seed, purpose, who, 2 * n + 1);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 53;
}

/** Exponential with this mean. */
export function exponential(mean: number, uniform: number): number {
  return -mean * Math.log(uniform);
}

/** A stream of draws for one purpose. `drawn` is all its state. */
export class Stream {
  readonly #seed: number;
  readonly #purpose: Purpose;
  drawn = 0;

  constructor(seed: number, purpose: Purpose) {
    this.#seed = seed;
    this.#purpose = purpose;
  }

  readonly next = (): number => draw(this.#seed, this.#purpose, 0, this.drawn++);
}

/** The numbers by which a run of this seed chooses among equally good nodes, from the first on. */
export function lotsOf(seed: number): () => number {
  return new Stream(seed, purposes.tie).next;
}
