/**
 * Order of keys: by UTF-8 bytes, as etcd has it. JavaScript compares UTF-16 code units, which differs only where one side has
 * a surrogate (a character above U+FFFF) and the other a character from U+E000 on.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Code units ranked so that surrogates come after everything else, as their characters' UTF-8 bytes do. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** True if the key holds no unit from U+D800 on: among such keys JavaScript's own order is that of `compareKeys`. */
export function isPlain(key: string): boolean {
  return !beyond.test(key);
}
const beyond = /[\ud800-\uffff]/;
