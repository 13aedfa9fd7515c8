/**
 * Cron schedules as spec.schedule of a CronJob takes them: minute, hour, day of month, month, day of week, each a list of
 * `*`, numbers, names, ranges and steps; or `@hourly` and its like, or `@every DURATION`. When both days are restricted
 * either one will do, as cron has it.
 */
import { parseDuration } from '@coracle/machinery';

export interface Schedule {
  /** The first time after `after` (ms since 1970); undefined: never (30 February), looked for over five years. */
  next(after: number): number | undefined;
}

interface Field {
  min: number;
  max: number;
  names?: readonly string[];
}
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];
const words: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const minuteMs = 60_000;
const horizonMs = 5 * 366 * 24 * 60 * minuteMs;

/** Throws RangeError on a schedule or time zone that is none. `timeZone`: an IANA name; UTC when absent. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const trimmed = text.trim();
  const every = /^@every\s+(\S+)$/.exec(trimmed)?.[1];
  if (every !== undefined) {
    const period = parseDuration(every);
    if (period === undefined || period < 1000) throw new RangeError(`not a duration: ${every}`);
    const whole = Math.floor(period / 1000) * 1000;
    return { next: (after) => Math.floor(after / 1000) * 1000 + whole };
  }
  const parts = (words[trimmed] ?? trimmed).split(/\s+/);
  if (parts.length !== 5) throw new RangeError(`expected exactly 5 fields, found ${parts.length}: ${text}`);
  const sets = parts.map((part, i) => parseField(part, fields[i] as Field));
  const [minutes, hours, days, monthSet, dayOfWeek] = sets as [Set, Set, Set, Set, Set];
  const clock = wallClock(timeZone);
  const dayFits = (at: WallTime): boolean => {
    const byMonth = days.values.has(at.day);
    const byWeek = dayOfWeek.values.has(at.weekday);
    return days.any || dayOfWeek.any ? byMonth && byWeek : byMonth || byWeek;
  };
  return {
    next(after) {
      let time = Math.floor(after / minuteMs) * minuteMs + minuteMs;
      const end = after + horizonMs;
      while (time <= end) {
        const at = clock(time);
        if (!monthSet.values.has(at.month) || !dayFits(at)) {
          // To the next midnight, or near it when the clocks change in between; never past it.
          const left = (23 - at.hour) * 60 + (60 - at.minute);
          time += (left > 120 ? left - 60 : Math.min(left, 15 - (at.minute % 15))) * minuteMs;
        } else if (!hours.values.has(at.hour)) {
          // Clocks change by quarters of an hour at the least.
          time += (15 - (at.minute % 15)) * minuteMs;
        } else if (minutes.values.has(at.minute)) return time;
        else time += minuteMs;
      }
      return undefined;
    },
  };
}

interface Set {
  values: ReadonlySet<number>;
  /** `*` or `?`: not restricted. */
  any: boolean;
}

function parseField(text: string, field: Field): Set {
  const values = new globalThis.Set<number>();
  let any = false;
  for (const part of text.split(',')) {
    const match = /^(\*|\?|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d+))?$/i.exec(part);
    if (!match) throw new RangeError(`failed to parse ${JSON.stringify(part)}`);
    const [, from = '', to, step = '1'] = match;
    const all = from === '*' || from === '?';
    if (all && to !== undefined) throw new RangeError(`failed to parse ${JSON.stringify(part)}`);
    if (all && step === '1') any = true;
    const first = all ? field.min : valueOf(from, field);
    // `5/10` goes on to the end of the field.
    const last = all || (to === undefined && match[3] !== undefined) ? field.max : valueOf(to ?? from, field);
    if (first < field.min || last > field.max || first > last || Number(step) === 0) {
      throw new RangeError(`${JSON.stringify(part)} is not in the range ${field.min} to ${field.max}`);
    }
    for (let value = first; value <= last; value += Number(step)) values.add(value);
  }
  return { values, any };
}

function valueOf(text: string, field: Field): number {
  if (/^\d+$/.test(text)) return Number(text);
  const at = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (at === -1) throw new RangeError(`failed to parse ${JSON.stringify(text)}`);
  return at + field.min;
}

interface WallTime {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

/** What clocks and calendars show in a time zone. */
function wallClock(timeZone: string): (time: number) => WallTime {
  if (timeZone === 'UTC') {
    return (time) => {
      const date = new Date(time);
      return {
        minute: date.getUTCMinutes(),
        hour: date.getUTCHours(),
        day: date.getUTCDate(),
        month: date.getUTCMonth() + 1,
        weekday: date.getUTCDay(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    minute: 'numeric',
    hour: 'numeric',
    day: 'numeric',
    month: 'numeric',
    weekday: 'short',
  });
  return (time) => {
    const found: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(time)) found[type] = value;
    return {
      minute: Number(found['minute']),
      hour: Number(found['hour']),
      day: Number(found['day']),
      month: Number(found['month']),
      weekday: weekdays.indexOf((found['weekday'] ?? '').toLowerCase()),
    };
  };
}
