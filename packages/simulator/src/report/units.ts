/** Numbers as people read them. The page in the browser uses these too: nothing of Node here. */

export type Unit = 'ms' | 'share' | 'times' | 'count' | 'hours' | 'index';

const durations = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
  { ms: 1000, name: 's' },
] as const;

/** The unit in which a length of time is best said, so that a value and its interval have the same. */
export function durationUnit(ms: number): { readonly ms: number; readonly name: string } {
  const size = Math.abs(ms);
  // Two days are said as 48 h: whole days lose too much.
  if (size >= 3 * 86_400_000) return durations[0];
  return (
    durations.slice(1).find((unit) => size >= unit.ms) ?? (size === 0 ? durations[3] : { ms: 1, name: 'ms' })
  );
}

/** Three significant digits, thousands apart: `0.123`, `12.3`, `1,234`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US');
  if (size < 0.001) return value.toExponential(1);
  const decimals = size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(decimals);
}

/** `4.1 h`, `35 s`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return digits(ms);
  const unit = durationUnit(ms);
  return `${digits(ms / unit.ms)} ${unit.name}`;
}

/** A value in its unit. */
export function inUnit(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '–';
  if (unit === 'ms') return duration(value);
  if (unit === 'share') return `${percentDigits(value)} %`;
  if (unit === 'times') return `${digits(value)}x`;
  if (unit === 'index') return value.toFixed(3);
  return unit === 'count' && Number.isInteger(value) ? value.toLocaleString('en-US') : digits(value);
}

/** A value with its interval, in one unit and with as many decimals: `4.12 ± 0.31 h`. */
export function withInterval(mean: number, half: number, unit: Unit): string {
  if (Number.isNaN(half) || Number.isNaN(mean)) return inUnit(mean, unit);
  if (unit === 'ms') {
    // The unit of the larger of both: 0 h ± 2 h is not 0 s ± 7,200 s.
    const { ms, name } = durationUnit(half > Math.abs(mean) ? half : mean);
    return `${alike(mean / ms, half / ms)} ${name}`;
  }
  if (unit === 'share') return `${percentDigits(mean)} ± ${percentDigits(half)} %`;
  if (unit === 'index') return `${inUnit(mean, unit)} ± ${inUnit(half, unit)}`;
  return `${alike(mean, half)}${unit === 'times' ? 'x' : ''}`;
}

function alike(mean: number, half: number): string {
  // What is the same in all runs is said as it is.
  if (half === 0) return `${Number.isInteger(mean) ? mean.toLocaleString('en-US') : digits(mean)} ± 0`;
  const [, decimals = ''] = digits(mean).split('.');
  const other = /^\d*$/.test(decimals) && mean !== 0 ? grouped(half, decimals.length) : digits(half);
  return `${digits(mean)} ± ${other}`;
}

function grouped(value: number, decimals: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function percentDigits(share: number): string {
  return (share * 100).toFixed(1);
}
