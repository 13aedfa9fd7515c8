/**
 * The JSON of parts of objects that were stored lately. A pod is bound and its status written a few times within seconds, and its
 * spec, the greater part of its text, is the very same value each time: it is written out once. Frozen values only, so that
 * a value's text never changes. Held in two halves, of which the older is dropped when the younger is full.
 */

/** Characters in a half: some four thousand pods. */
const room = 4 * 1024 * 1024;
/** Shorter ones cost less to write than to remember. */
const shortest = 256;
/** Longer ones would take too much room. */
const longest = 16 * 1024;

export interface RecentTexts {
  /** JSON of `value`, remembered if it is worth it; undefined where JSON has nothing for it. */
  textOf(value: unknown): string | undefined;
  /** Tells that `next` is `value` with one more field at its end, so that its text is made from the other's. */
  extended(value: object, next: object, field: string): void;
}

export function createRecentTexts(): RecentTexts {
  let young = new Map<object, string>();
  let old = new Map<object, string>();
  /** Characters of the younger half. */
  let used = 0;
  const find = (value: object): string | undefined => young.get(value) ?? old.get(value);
  function remember(value: object, text: string): void {
    if (text.length < shortest || text.length > longest) return;
    if (used + text.length > room) {
      old = young;
      young = new Map();
      used = 0;
    }
    young.set(value, text);
    used += text.length;
  }
  return {
    textOf(value) {
      if (typeof value !== 'object' || value === null) return JSON.stringify(value);
      const known = find(value);
      if (known !== undefined) return known;
      const text = JSON.stringify(value);
      remember(value, text);
      return text;
    },
    extended(value, next, field) {
      const known = find(value);
      // Names that are numbers do not come last.
      if (known === undefined || Object.hasOwn(value, field) || /^\d/.test(field)) return;
      const added = JSON.stringify((next as Record<string, unknown>)[field]);
      remember(next, `${known.slice(0, -1)},${JSON.stringify(field)}:${added}}`);
    },
  };
}
