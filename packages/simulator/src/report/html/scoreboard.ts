/** Candidates side by side as tables. */
import { signed } from '../headline.ts';
import { aboutOf, labelOf, metrics, type Metric } from '../metrics.ts';
import { difference, estimateOf, type Candidate, type Report } from '../report.ts';
import { isClear } from '../statistics.ts';
import { bestOf, telling } from '../telling.ts';
import { withInterval } from '../units.ts';
import { escape } from './markup.ts';

/** Metrics by candidate, `mean ± interval`. */
export function scoreboard(report: Report, all: boolean): string {
  return board(
    report,
    all
      ? 'All metrics: mean and 95 % confidence interval over seeds'
      : 'Mean and 95 % confidence interval over seeds; green: the best, and what cannot be told apart from it',
    telling(report, all),
    report.candidates,
    (candidate, metric) => {
      const { mean, half } = estimateOf(candidate, metric.key);
      return { text: withInterval(mean, half, metric.unit) };
    },
    true,
  );
}

/** What changes against the first candidate. */
export function differences(report: Report): string {
  const [base, ...others] = report.candidates;
  if (!base || others.length === 0) return '';
  return board(
    report,
    `Change against ${base.name}, paired by seed; coloured where it is clear: green better, red worse`,
    telling(report, false).filter(({ better }) => better),
    others,
    (candidate, metric) => {
      const delta = difference(base, candidate, metric.key);
      if (delta.mean === 0 && !(delta.half > 0)) return { text: 'same' };
      const better = delta.mean > 0 === (metric.better === 'high');
      return { text: signed(delta, metric), ...(isClear(delta) && { mark: better ? 'better' : 'worse' }) };
    },
    false,
  );
}

function board(
  report: Report,
  caption: string,
  shown: readonly Metric[],
  candidates: readonly Candidate[],
  cell: (candidate: Candidate, metric: Metric) => { text: string; mark?: string },
  best: boolean,
): string {
  const { resource } = report.candidates[0]!.runs[0]!;
  const groups = [...new Set(metrics.map(({ group }) => group))];
  const body = groups
    .map((group) => {
      const rows = shown
        .filter((metric) => metric.group === group)
        .map((metric) => {
          const marked = best ? bestOf(candidates, metric) : [];
          const cells = candidates.map((candidate, column) => {
            const { text, mark } = cell(candidate, metric);
            const kind = marked.includes(column) ? 'best' : mark;
            return `<td${kind ? ` class="${kind}"` : ''}>${escape(text)}</td>`;
          });
          return `<tr><th scope="row" title="${escape(aboutOf(metric, resource))}">${escape(labelOf(metric, resource))}${arrow(metric)}</th>${cells.join('')}</tr>`;
        });
      if (rows.length === 0) return '';
      return `<tbody><tr class="group"><th scope="rowgroup" colspan="${candidates.length + 1}">${escape(group)}</th></tr>${rows.join('')}</tbody>`;
    })
    .join('');
  return `<p class="cap" aria-hidden="true">${escape(caption)}</p><div class="wide" tabindex="0" role="region" aria-label="${escape(caption)}"><table aria-label="${escape(caption)}"><thead><tr><td></td>${candidates
    .map(({ name }) => `<th scope="col">${escape(name)}</th>`)
    .join('')}</tr></thead>${body}</table></div>`;
}

function arrow({ better }: Metric): string {
  if (!better) return '';
  return better === 'low'
    ? ' <span class="hint" title="lower is better" aria-label="lower is better">↓</span>'
    : ' <span class="hint" title="higher is better" aria-label="higher is better">↑</span>';
}
