/**
 * Pods made of one template have equal specs. The first one's is kept, and the others get that very value in place of their own:
 * what is known of it (that it is valid, that it is frozen, its JSON) needs not be found out again, and a thousand pods keep one
 * spec in memory. Kept in two halves, of which the older is dropped when the younger is full.
 */
import type { Kind } from '@coracle/machinery';

/** Specs in a half. */
const most = 512;
/** Characters of JSON; longer ones take too much room. */
const longest = 16 * 1024;

interface Kept {
  readonly kind: Kind;
  readonly spec: object;
  json: string | undefined;
}

export interface SharedSpecs {
  /** The kept spec of an object of this kind that is equal to `spec`, down to the order of its fields. */
  find(kind: Kind, spec: object): object | undefined;
  /** Keeps a spec: frozen, complete and valid. */
  keep(kind: Kind, spec: object): void;
  /** JSON of a kept spec; undefined for any other value. */
  jsonOf(spec: object): string | undefined;
}

export function createSharedSpecs(): SharedSpecs {
  /** By what specs that differ mostly differ in. */
  let young = new Map<string, Kept>();
  let old = new Map<string, Kept>();
  const bySpec = new WeakMap<object, Kept>();
  /** Nearly always it is asked about the spec that was just found. */
  let last: Kept | undefined;

  function put(mark: string, kept: Kept): void {
    if (young.size >= most) {
      old = young;
      young = new Map();
    }
    young.set(mark, kept);
  }

  return {
    find(kind, spec) {
      const mark = markOf(spec);
      let kept = young.get(mark);
      if (kept === undefined && (kept = old.get(mark)) !== undefined) put(mark, kept);
      if (kept === undefined || kept.kind !== kind || !same(spec, kept.spec)) return undefined;
      last = kept;
      return kept.spec;
    },
    keep(kind, spec) {
      const kept: Kept = { kind, spec, json: undefined };
      put(markOf(spec), kept);
      bySpec.set(spec, kept);
      last = kept;
    },
    jsonOf(spec) {
      const kept = last?.spec === spec ? last : bySpec.get(spec);
      if (kept === undefined) return undefined;
      if (kept.json === undefined) {
        const json = JSON.stringify(spec);
        if (json.length > longest) return json;
        kept.json = json;
      }
      return kept.json;
    },
  };
}

type Values = Record<string, unknown>;

/** Texts and numbers of the spec and of what is first in its lists. */
function markOf(spec: object): string {
  let mark = '';
  for (const field in spec) {
    const value = (spec as Values)[field];
    if (typeof value === 'string' || typeof value === 'number') mark += `${value} `;
    else if (Array.isArray(value)) {
      mark += `${value.length} `;
      const first: unknown = value[0];
      if (typeof first === 'object')
        for (const key in first) {
          const text = (first as Values)[key];
          if (typeof text === 'string') mark += `${text} `;
        }
    }
  }
  return mark;
}

/** Equal JSON, fields in the same order. */
function same(a: object, b: object): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameValue(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const fields = Object.keys(b);
  let at = 0;
  for (const field in a)
    if (fields[at++] !== field || !sameValue((a as Values)[field], (b as Values)[field])) return false;
  return at === fields.length;
}

const sameValue = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && same(a, b));
