/** A comparison as people read it. */
import type { Comparison } from './compare.ts';

/** Differences that are told one by one. */
const shown = 5;

export function comparisonText(comparison: Comparison): string {
  const { pods, sameNode, onlySimulated, onlyLive, outOfOrder, startsLater, endsLater, differences } =
    comparison;
  const share = pods === 0 ? '' : ` (${((100 * sameNode) / pods).toFixed(1)} %)`;
  const rows: [string, string][] = [
    ['pods on the same node', `${sameNode} of ${pods}${share}`],
    ['starts in another order', `${outOfOrder} of ${startsLater.length}`],
    ['starts on one side only', `${onlySimulated} simulated, ${onlyLive} live`],
    ['starts, live - simulated', spread(startsLater)],
    ['ends, live - simulated', spread(endsLater)],
  ];
  const more = differences.length - shown;
  return [
    ...rows.map(([name, value]) => `  ${name.padEnd(26)}${value}`),
    ...differences.slice(0, shown).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): string => ms(sorted[Math.round(part * (sorted.length - 1))]!);
  return `median ${at(0.5)}, 5 % ${at(0.05)}, 95 % ${at(0.95)}, least ${at(0)}, most ${at(1)} ms`;
}

/** Without a sign on nothing. */
const ms = (value: number): string => {
  const text = value.toFixed(Math.abs(value) < 10 ? 1 : 0);
  return text === '-0.0' ? '0.0' : text;
};
