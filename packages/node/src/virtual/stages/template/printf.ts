/** Go's printf, for the verbs that make sense with JSON's values. */
import { TemplateError } from './template-error.ts';
import { numberOf, print } from './values.ts';

/** Throws TemplateError for other verbs. */
export function formatted(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replaceAll(
    /%([-+0 ]*)(\d+)?(?:\.(\d+))?(.)/g,
    (whole, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (next >= args.length) throw new TemplateError(`printf: nothing is left for ${whole}`);
      const found = one(verb, args[next++], precision === undefined ? undefined : Number(precision));
      const wide = Number(width ?? 0);
      if (flags.includes('-')) return found.padEnd(wide);
      const zeros = flags.includes('0') && 'dfx'.includes(verb);
      return zeros && found.startsWith('-')
        ? `-${found.slice(1).padStart(wide - 1, '0')}`
        : found.padStart(wide, zeros ? '0' : ' ');
    },
  );
}

function one(verb: string, value: unknown, precision: number | undefined): string {
  switch (verb) {
    case 's':
    case 'v':
      return print(value, true).slice(0, verb === 's' ? precision : undefined);
    case 'q':
      return JSON.stringify(print(value, true));
    case 't':
      return String(value === true);
    case 'd':
      return String(Math.trunc(numberOf(value)));
    case 'f':
      return numberOf(value).toFixed(precision ?? 6);
    case 'x':
      return typeof value === 'string' ? Buffer.from(value).toString('hex') : numberOf(value).toString(16);
    default:
      throw new TemplateError(
        `printf: %${verb} is not supported; supported are %s, %v, %q, %t, %d, %f and %x`,
      );
  }
}
