/**
 * Pods made of one template have equal specs. The first one's is kept, and the others get that very value in place of their own:
 * what is known of it (that it is valid, that it is frozen, its JSON) needs not be found out again, and a thousand pods keep one
 * spec in memory. Kept in two halves, of which the older is dropped when the younger is full.
 */
import type { Kind } from '@coracle/machinery';

/** Specs in a half. */
const most = 512;
/** Characters of JSON; longer ones take too much room and are not kept. */
const longest = 16 * 1024;

interface Kept {
  readonly kind: Kind;
  readonly spec: object;
  json: string | undefined;
}

export interface SharedSpecs {
  /** The kept spec of an object of this kind whose JSON is equal to `spec`, but for the order of fields. */
  find(kind: Kind, spec: object): object | undefined;
  /** Keeps a spec: frozen, complete and valid. */
  keep(kind: Kind, spec: object): void;
  /** JSON of a kept spec; undefined for any other value. */
  jsonOf(spec: object): string | undefined;
}

export function createSharedSpecs(): SharedSpecs {
  let young = new Half();
  let old = new Half();
  /** Nearly always it is asked about the spec that was just found. */
  let last: Kept | undefined;

  function put(mark: number, kept: Kept): void {
    if (young.byMark.size >= most) {
      old = young;
      young = new Half();
    }
    young.put(mark, kept);
  }

  /** So that a thousand of the largest specs, of pods long gone, do not stay in memory. */
  function forget(kept: Kept): void {
    const mark = markOf(kept.spec);
    young.forget(mark, kept);
    old.forget(mark, kept);
    if (last === kept) last = undefined;
  }

  return {
    find(kind, spec) {
      const mark = markOf(spec);
      let kept = young.byMark.get(mark);
      if (kept === undefined && (kept = old.byMark.get(mark)) !== undefined) put(mark, kept);
      if (kept === undefined || kept.kind !== kind || !same(spec, kept.spec)) return undefined;
      last = kept;
      return kept.spec;
    },
    keep(kind, spec) {
      const kept: Kept = { kind, spec, json: undefined };
      put(markOf(spec), kept);
      last = kept;
    },
    jsonOf(spec) {
      const kept = last?.spec === spec ? last : (young.bySpec.get(spec) ?? old.bySpec.get(spec));
      if (kept === undefined) return undefined;
      if (kept.json === undefined) {
        const json = JSON.stringify(spec);
        if (json.length > longest) {
          forget(kept);
          return json;
        }
        kept.json = json;
      }
      return kept.json;
    },
  };
}

/** What it holds is gone with it: specs of pods that live on are many more than those that come again, and their JSON is long. */
class Half {
  /** By what specs that differ mostly differ in. */
  readonly byMark = new Map<number, Kept>();
  readonly bySpec = new Map<object, Kept>();

  put(mark: number, kept: Kept): void {
    const before = this.byMark.get(mark);
    if (before !== undefined) this.bySpec.delete(before.spec);
    this.byMark.set(mark, kept);
    this.bySpec.set(kept.spec, kept);
  }

  forget(mark: number, kept: Kept): void {
    if (this.byMark.get(mark) === kept) this.byMark.delete(mark);
    this.bySpec.delete(kept.spec);
  }
}

type Values = Record<string, unknown>;

/** A hash of the texts and numbers of the spec and of what is first in its lists. */
function markOf(spec: object): number {
  let mark = 0;
  for (const field in spec) {
    const value = (spec as Values)[field];
    if (typeof value === 'object' && Array.isArray(value)) {
      mark = (mark * 31 + value.length) | 0;
      const first: unknown = value[0];
      if (typeof first === 'object') for (const key in first) mark = mixed(mark, (first as Values)[key]);
    } else mark = mixed(mark, value);
  }
  return mark;
}

function mixed(mark: number, value: unknown): number {
  if (typeof value === 'number') return (mark * 31 + value) | 0;
  if (typeof value !== 'string') return mark;
  for (let i = 0; i < value.length; i++) mark = (mark * 31 + value.charCodeAt(i)) | 0;
  return mark;
}

/** Equal JSON. Without a list of its fields: this is done for every new pod. */
function same(a: object, b: object): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameValue(a[i], b[i])) return false;
    return true;
  }
  // Where a field is inherited (`__proto__`), it is from there.
  if (Array.isArray(b) || b === Object.prototype) return false;
  let more = 0;
  for (const field in a) {
    if (!sameValue((a as Values)[field], (b as Values)[field])) return false;
    more++;
  }
  for (const _ in b) more--;
  return more === 0;
}

const sameValue = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && same(a, b));
