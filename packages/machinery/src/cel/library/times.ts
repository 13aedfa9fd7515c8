/** Parts of timestamps (in UTC or a named zone) and durations. */
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import { floorSeconds, nanosOfSecond } from '../moment.ts';
import { type Duration, type Timestamp, toInt, type Int } from '../values.ts';

/** Formatters of zones, which are slow to make. */
const zones = new Map<string, Intl.DateTimeFormat>();

function zoneFormat(zone: string): Intl.DateTimeFormat {
  const known = zones.get(zone);
  if (known) return known;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    if (zones.size > 100) zones.clear();
    zones.set(zone, format);
    return format;
  } catch (error) {
    throw new CelError(`unknown time zone ${zone}`, { cause: error });
  }
}

/** The moment as a date whose UTC fields are those of the zone (`America/Phoenix`, `+05:30`). */
function dateIn(moment: Timestamp, zone: string): Date {
  const date = new Date(Number(floorSeconds(moment)) * 1000);
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(date.getTime() + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  if (zone === 'UTC' || zone === '') return date;
  const parts = new Map<string, string>();
  for (const { type, value } of zoneFormat(zone).formatToParts(date)) parts.set(type, value);
  const part = (name: string): number => Number(parts.get(name));
  const local = new Date(0);
  local.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  local.setUTCHours(part('hour'), part('minute'), part('second'));
  return local;
}
function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / 86_400_000);
}

const fields: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
};
const milliseconds = (moment: Timestamp): number => Math.floor(nanosOfSecond(moment) / 1_000_000);
const inUnits =
  (unit: bigint) =>
  ({ nanos }: Duration): Int =>
    toInt(nanos / unit);

export const times = [
  ...Object.entries(fields).flatMap(([name, read]) => [
    declare(`timestamp.${name}(): int`, (moment: Timestamp) => read(dateIn(moment, 'UTC'))),
    declare(`timestamp.${name}(string): int`, (moment: Timestamp, zone: string) =>
      read(dateIn(moment, zone)),
    ),
  ]),
  declare('timestamp.getMilliseconds(): int', milliseconds),
  declare('timestamp.getMilliseconds(string): int', milliseconds),
  declare('duration.getHours(): int', inUnits(3_600_000_000_000n)),
  declare('duration.getMinutes(): int', inUnits(60_000_000_000n)),
  declare('duration.getSeconds(): int', inUnits(1_000_000_000n)),
  declare('duration.getMilliseconds(): int', ({ nanos }: Duration) => toInt((nanos / 1_000_000n) % 1000n)),
];
