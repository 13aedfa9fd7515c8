/** Decimal notation only. Undefined: it is none, or too large. */
export function readNumber(text: string): number | undefined {
  const value = Number(text);
  if (!Number.isFinite(value) || text === '') return undefined;
  // Number() takes 0x10, 0b1 and 0o7 too, and blanks for 0.
  if (text.length > 1 && text.charCodeAt(0) === zero && text.charCodeAt(1) > nine && !/^0e/i.test(text))
    return undefined;
  return value === 0 && text.trim() === '' ? undefined : value;
}
const zero = 0x30;
const nine = 0x39;
