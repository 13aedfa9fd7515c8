/**
 * Selectors of device classes and requests. Compiled once an expression; a set (all must hold) is judged once a device, as
 * neither ever changes.
 */
import { compileDeviceSelector, type DeviceSelector } from '@coracle/machinery/cel';
import type { PoolDevice } from './device.ts';

/** A selector in its place, for messages. */
export interface PlacedSelector {
  /** `class gpu` or `claim`, whose key the message adds. */
  readonly of: string;
  readonly index: number;
  readonly expression: string;
}

interface Compiled extends PlacedSelector {
  readonly program: DeviceSelector | undefined;
  readonly error: string | undefined;
}

/** Selectors that must all hold. */
export class SelectorSet {
  readonly #selectors: readonly Compiled[];

  constructor(selectors: readonly Compiled[]) {
    this.#selectors = selectors;
  }

  /** A text says why it cannot be told; `%claim` stands for the claim's name there. */
  matches(device: PoolDevice): boolean | string {
    if (this.#selectors.length === 0) return true;
    const verdicts = (device.verdicts ??= new Map());
    let verdict = verdicts.get(this);
    if (verdict === undefined) verdicts.set(this, (verdict = this.#judge(device)));
    return verdict;
  }

  #judge(device: PoolDevice): boolean | string {
    for (const { of, index, program, error } of this.#selectors) {
      const place = `${of === 'claim' ? 'claim %claim' : of}: selector #${index}`;
      if (!program) return `${place}: CEL compile error: ${error}`;
      try {
        if (!program.matches(device.selectable)) return false;
      } catch (problem) {
        const text = problem instanceof Error ? problem.message : String(problem);
        return `${place} on device ${device.id}: CEL runtime error: ${text}`;
      }
    }
    return true;
  }
}

/** Makes selector sets, each once. */
export class Selectors {
  readonly #programs = new Map<string, { program?: DeviceSelector; error?: string }>();
  readonly #sets = new Map<string, SelectorSet>();

  set(selectors: readonly PlacedSelector[]): SelectorSet {
    const key = JSON.stringify(selectors.map(({ of, index, expression }) => [of, index, expression]));
    let set = this.#sets.get(key);
    if (!set) {
      if (this.#sets.size >= maxKept) this.#sets.clear();
      set = new SelectorSet(selectors.map((selector) => this.#compile(selector)));
      this.#sets.set(key, set);
    }
    return set;
  }

  #compile(selector: PlacedSelector): Compiled {
    const { expression } = selector;
    let compiled = this.#programs.get(expression);
    if (!compiled) {
      if (this.#programs.size >= maxKept) this.#programs.clear();
      this.#programs.set(expression, (compiled = compileDeviceSelector(expression)));
    }
    return { ...selector, program: compiled.program, error: compiled.error };
  }
}

const maxKept = 1_000;
