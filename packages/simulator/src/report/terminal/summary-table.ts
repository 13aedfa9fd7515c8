/** The report as text: the answer, a table with a column a candidate, and how things went over time. */
import { headlineOf } from '../headline.ts';
import { labelOf, type Metric } from '../metrics.ts';
import { estimateOf, seedsOf, type Candidate, type Report } from '../report.ts';
import { averagedShares } from '../averaged-shares.ts';
import { bestOf, telling } from '../telling.ts';
import { duration, withInterval } from '../units.ts';
import { sparkline } from './sparkline.ts';
import { fit, padded, painter, plain, widthOf, wrapped, type TerminalOptions } from './text.ts';

/** Ends with a line feed. `all`: every metric, not only those that decide. */
export function terminalReport(
  report: Report,
  options: TerminalOptions & { readonly all?: boolean } = {},
): string {
  const width = Math.max(40, options.width ?? 80);
  const paint = painter(options.colour ?? false);
  const { answer, gains, costs, others, sure } = headlineOf(report);
  const list = (word: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [wrapped(`${word} ${texts.join('; ')}.`, width, '  ')];
  const several = report.candidates.length > 1;
  return [
    wrapped(plain(answer), width)
      .split('\n')
      .map((line) => paint('bold', line))
      .join('\n'),
    ...list('Better too:', gains),
    ...list('At a cost:', costs),
    ...list('Ahead in other things:', others),
    ...(several || seedsOf(report).length > 1 ? [paint('dim', wrapped(plain(sure), width))] : []),
    ...report.findings.map((finding) => wrapped(plain(finding), width)),
    '',
    summaryTable(report, options),
    overTime(report, options),
    ...unplaced(report, width),
    ...notes(report, width),
    ...(report.remarks ?? []).flatMap((remark) => ['', wrapped(plain(`Note: ${remark}`), width)]),
  ]
    .join('\n')
    .concat('\n');
}

/** A column a candidate, `mean ± interval`; the best of each row is marked. Too many columns go on below. */
export function summaryTable(
  report: Report,
  options: TerminalOptions & { readonly all?: boolean } = {},
): string {
  const width = Math.max(40, options.width ?? 80);
  const paint = painter(options.colour ?? false);
  const { candidates } = report;
  const { resource } = candidates[0]!.runs[0]!;
  const rows = telling(report, options.all ?? false).map((metric) => ({
    label: labelOf(metric, resource),
    cells: candidates.map((candidate) => cell(candidate, metric)),
    best: bestOf(candidates, metric),
  }));
  const labelWidth = Math.min(28, Math.max(...rows.map(({ label }) => widthOf(label))));
  const columns = candidates.map((candidate, column) => ({
    column,
    name: plain(candidate.name),
    // A mark stands before each.
    width:
      1 +
      Math.min(
        Math.max(widthOf(candidate.name), ...rows.map(({ cells }) => widthOf(cells[column]!))),
        width - labelWidth - 4,
      ),
  }));
  const blocks: string[] = [];
  for (let from = 0; from < columns.length;) {
    let used = labelWidth;
    let to = from;
    while (to < columns.length && (to === from || used + 2 + columns[to]!.width <= width)) {
      used += 2 + columns[to++]!.width;
    }
    const shown = columns.slice(from, to);
    blocks.push(
      [
        paint(
          'bold',
          [
            padded('', labelWidth),
            ...shown.map(({ name, width }) => padded(fit(name, width), width, 'right')),
          ].join('  '),
        ),
        ...rows.map(({ label, cells, best }) =>
          [
            padded(fit(label, labelWidth), labelWidth),
            ...shown.map(({ column, width }) => {
              const mark = best.includes(column);
              const text = padded(fit(`${mark ? '*' : ''}${cells[column]!}`, width), width, 'right');
              return mark ? paint('green', text) : text;
            }),
          ].join('  '),
        ),
      ].join('\n'),
    );
    from = to;
  }
  const marked = rows.some(({ best }) => best.length > 0);
  if (marked)
    blocks.push(paint('dim', wrapped('* the best, and what cannot be told apart from it', width, '  ')));
  return blocks.join('\n\n');
}

function cell(candidate: Candidate, metric: Metric): string {
  const { mean, half } = estimateOf(candidate, metric.key);
  return withInterval(mean, half, metric.unit);
}

function overTime(report: Report, options: TerminalOptions): string {
  const width = Math.max(40, options.width ?? 80);
  const names = report.candidates.map(({ name }) => plain(name));
  const endMs = Math.max(...report.candidates.flatMap(({ runs }) => runs.map((run) => run.endMs)));
  const over = `over ${duration(endMs)}`;
  const nameWidth = Math.min(24, Math.floor(width / 3), Math.max(...[over, ...names].map(widthOf)));
  const room = Math.floor((width - nameWidth - 4) / 2);
  const all = averagedShares(report.candidates);
  const most = all.reduce((top, { jobsWaiting }) => jobsWaiting.reduce((a, b) => (b > a ? b : a), top), 0);
  const head = `${padded(fit(over, nameWidth), nameWidth)}  ${padded('allocation, 0 to 100 %', room)}  ${padded(`queue, 0 to ${Math.ceil(most).toLocaleString('en-US')} jobs`, room)}`;
  return [
    '',
    fit(head, width).trimEnd(),
    ...all.map(
      (shares, index) =>
        `${padded(fit(names[index]!, nameWidth), nameWidth)}  ${padded(sparkline(shares.allocation, room, 1), room)}  ${sparkline(shares.jobsWaiting, room, most)}`,
    ),
  ].join('\n');
}

function unplaced({ candidates }: Report, width: number): string[] {
  const lines = candidates.flatMap(({ name, runs }) =>
    runs[0]!.unplaced
      .slice(0, 3)
      .map(({ why, count }) =>
        wrapped(`  ${plain(name)}: ${count.toLocaleString('en-US')} x ${plain(why)}`, width, '    '),
      ),
  );
  return lines.length === 0
    ? []
    : ['', `Not placed at the end (seed ${candidates[0]!.runs[0]!.seed}):`, ...lines];
}

function notes({ notes }: Report, width: number): string[] {
  if (notes.length === 0) return [];
  return [
    '',
    'Odd rows of the input:',
    ...notes.map(({ what, why, count, lines }) =>
      wrapped(
        `  ${count.toLocaleString('en-US')} ${what}: ${plain(why)}${lines.length > 0 ? ` (line${lines.length > 1 ? 's' : ''} ${lines.slice(0, 5).join(', ')}${count > Math.min(5, lines.length) ? ', ...' : ''})` : ''}`,
        width,
        '    ',
      ),
    ),
  ];
}
