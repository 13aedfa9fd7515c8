/**
 * Chance that depends on a text and on nothing else, for what is to come out the same again: sfc32 (C. Doty-Humphrey's small fast
 * counting generator), begun from a hash of the text. Never for secrets.
 */

/** Numbers in [0, 1), in steps of 2^-32. Each purpose takes a text of its own, so that a draw more of one moves no other. */
export function seededRandom(text: string): () => number {
  let hash = 0x6a09e667 ^ text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0xcc9e2d51);
    hash = (hash << 13) | (hash >>> 19);
  }
  /** MurmurHash3's last mixing, again and again. */
  const word = (): number => {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    return hash | 0;
  };
  let [a, b, c, counter] = [word(), word(), word(), 1];
  const next = (): number => {
    const drawn = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return (drawn >>> 0) / 2 ** 32;
  };
  // Until the three words have met.
  for (let i = 0; i < 12; i++) next();
  return next;
}
