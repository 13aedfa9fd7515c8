/**
 * What a kind of pod asks for in devices, and what that came to on each node. Pods whose claims are made from one template
 * have one shape, so the second of a thousand costs one node, not all.
 *
 * Invariant: code and score of a row hold if `#stamp[row]` is the row's stamp in the inventory.
 */
import { allocate, type Allocation, type Budget, type Pick } from './allocator.ts';
import type { ClaimAsk } from './ask.ts';
import type { Inventory, NodeView } from './inventory.ts';

/** Most alternatives of a request (FirstAvailableDeviceRequestMaxSize): the first is worth this much. */
const maxAlternatives = 8;

export class Shape {
  readonly claims: readonly ClaimAsk[];
  /** Some requests have alternatives: nodes differ in how well they suit. */
  readonly prioritized: boolean;
  #stamp = new Float64Array(0);
  #code = new Int32Array(0);
  #score = new Float64Array(0);
  /** Why not, by code less 1. */
  readonly #reasons: { readonly reason: string; readonly claim: number }[] = [];
  readonly #codes = new Map<string, number>();

  constructor(claims: readonly ClaimAsk[]) {
    this.claims = claims;
    this.prioritized = claims.some(({ requests }) => requests.some((request) => request.prioritized));
  }

  /** 0 if the claims can be allocated on the node, else a code that `reason` knows. */
  judge(row: number, inventory: Inventory, budget: Budget): number {
    const view = inventory.view(row);
    const stamp = inventory.stamps[row]!;
    if (this.#stamp[row] === stamp) return this.#code[row]!;
    if (row >= this.#stamp.length) this.#grow(row);
    const result = this.allocate(view, budget);
    this.#stamp[row] = stamp;
    if (!('picks' in result)) return (this.#code[row] = this.#codeOf(result.reason, result.claim));
    if (this.prioritized) this.#score[row] = scoreOf(this.claims, result.picks);
    return (this.#code[row] = 0);
  }

  /** What was judged and still holds; -1 for rows that must be judged anew. */
  recall({ stamps }: Inventory, rows: Int32Array, count: number, codes: Int32Array): void {
    const known = this.#stamp;
    const code = this.#code;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      const stamp = stamps[row];
      codes[i] = stamp && known[row] === stamp ? code[row]! : -1;
    }
  }

  /** As judged. */
  score(row: number): number {
    return this.#score[row] ?? 0;
  }

  reason(code: number): { readonly reason: string; readonly claim: number } {
    return this.#reasons[code - 1]!;
  }

  allocate(view: NodeView, budget: Budget): Allocation {
    return allocate(this.claims, view, budget);
  }

  #codeOf(reason: string, claim: number): number {
    const key = `${claim} ${reason}`;
    let code = this.#codes.get(key);
    if (code === undefined) {
      this.#reasons.push({ reason, claim });
      this.#codes.set(key, (code = this.#reasons.length));
    }
    return code;
  }

  #grow(row: number): void {
    const capacity = Math.max(16, 2 ** Math.ceil(Math.log2(row + 1)));
    const stamp = new Float64Array(capacity);
    stamp.set(this.#stamp);
    this.#stamp = stamp;
    const code = new Int32Array(capacity);
    code.set(this.#code);
    this.#code = code;
    const score = new Float64Array(capacity);
    score.set(this.#score);
    this.#score = score;
  }
}

/** More for earlier alternatives. */
function scoreOf(claims: readonly ClaimAsk[], picks: readonly (readonly Pick[])[]): number {
  let score = 0;
  for (const [c, { requests }] of claims.entries()) {
    for (const { alternatives, prioritized } of requests) {
      if (!prioritized) continue;
      const index = alternatives.findIndex((a) => picks[c]!.some((pick) => pick.alternative === a));
      if (index >= 0) score += maxAlternatives - index;
    }
  }
  return score;
}
