import { parseDuration } from '@coracle/machinery';
import { CliError } from './context.ts';

/** Milliseconds of `30s`, `5m`, or a bare number of seconds. Undefined: no limit. Throws CliError. */
export function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (milliseconds === undefined || milliseconds < 0)
    throw new CliError(`"${text}" is no duration; write 30s, 5m or 1h`);
  return milliseconds;
}
