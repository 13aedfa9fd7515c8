/** Lengths of time as scenario files and flags write them. */

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** As a regular expression, for schemas. */
export const durationPattern = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w))+$';

/** `30d`, `1h30m`, `90s`, `250ms`: in milliseconds. Undefined: it is no length of time. */
export function readDuration(text: string): number | undefined {
  if (!new RegExp(durationPattern).test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h|d|w)/g)) {
    total += Number(number) * unitMs[unit!]!;
  }
  return total;
}
