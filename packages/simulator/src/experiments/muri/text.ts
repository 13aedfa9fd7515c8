/** Muri's figures, published and ours, for people and for other programs. */
import type { MuriCell } from './run.ts';

/** Percent within which a figure counts as met: those of policies without a memory to the digit, nearly. */
const within: Readonly<Record<MuriCell['policy'], number>> = {
  SRTF: 0.01,
  SRSF: 0.01,
  Tiresias_L: 1,
  Themis: 1,
};

const differenceOf = ({ ours, published }: MuriCell): number =>
  published === undefined ? NaN : 100 * (ours / published - 1);

export function muriText(cells: readonly MuriCell[]): string {
  const lines = [
    'Mean job completion time in seconds',
    row('trace', 'policy', 'published', 'ours', 'difference', 'CPU'),
  ];
  for (const cell of cells) {
    const difference = differenceOf(cell);
    const met = Math.abs(difference) <= within[cell.policy];
    const shown = Number.isNaN(difference) ? '-' : `${difference.toFixed(4)} %${met ? '' : ' !'}`;
    const published = cell.published?.toFixed(1) ?? '-';
    lines.push(
      row(
        cell.trace,
        cell.policy,
        published,
        cell.ours.toFixed(1),
        shown,
        `${(cell.cpuMs / 1000).toFixed(2)} s`,
      ),
    );
  }
  const known = cells.filter(({ published }) => published !== undefined);
  const met = known.filter((cell) => Math.abs(differenceOf(cell)) <= within[cell.policy]);
  lines.push(
    '',
    `${met.length} of ${known.length} met: SRTF and SRSF within 0.01 %, the others within 1 %; ! is not`,
  );
  return `${lines.join('\n')}\n`;
}

function row(trace: string, policy: string, ...figures: readonly string[]): string {
  return `${trace.padEnd(11)} ${policy.padEnd(11)} ${figures.map((figure) => figure.padStart(14)).join(' ')}`;
}

export function muriCsv(cells: readonly MuriCell[]): string {
  const lines = cells.map((cell) =>
    [cell.trace, cell.policy, cell.published ?? '', cell.ours, differenceOf(cell).toFixed(5)].join(','),
  );
  return `${['trace,policy,published_s,ours_s,difference_pct', ...lines].join('\n')}\n`;
}
