/** Explanations and traces as people read them on a terminal. */
import type { Explanation, NodeTrace, Trace } from './types.ts';

export interface TextOptions {
  /** Makes a text stand out; the identity without colour. */
  readonly bold?: (text: string) => string;
  readonly good?: (text: string) => string;
  readonly bad?: (text: string) => string;
}

const plain = (text: string): string => text;

/** Several lines, each with its line end. */
export function explanationText(explanation: Explanation, options: TextOptions = {}): string {
  const { bold = plain, good = plain, bad = plain } = options;
  const { subject, state, summary, gang, preemption, queue, rejections, nearest, remedies, notes } =
    explanation;
  const colour = state === 'Waiting' || state === 'Gated' ? bad : good;
  const lines = [
    `${bold(`${subject.kind} ${subject.namespace}/${subject.name}`)}: ${colour(state.toLowerCase())}`,
    `  ${summary}`,
  ];
  const section = (title: string, rows: readonly string[]): void => {
    if (rows.length > 0) lines.push('', bold(title), ...rows.map((row) => `  ${row}`));
  };
  if (gang && gang.minCount > 0) {
    section('Gang', [
      `needs ${gang.minCount} members together; ${gang.members} exist, ${gang.scheduled} have nodes, ${gang.waiting} wait, ${gang.placeable} of those fit now`,
      ...(gang.domains
        ? [
            `in one ${gang.domains.keys.join('/')}: ${gang.domains.count} domains, the best holds ${gang.domains.most}${gang.domain ? ` (${gang.domain})` : ''}`,
          ]
        : []),
    ]);
  }
  section(
    `In the way (${explanation.nodes.total} node${explanation.nodes.total === 1 ? '' : 's'}, ${explanation.nodes.feasible} fit)`,
    rejections.map(({ nodes, reason, plugin, examples }) => {
      const which =
        examples.length > 0 ? `: ${examples.join(', ')}${nodes > examples.length ? ', ...' : ''}` : '';
      return `${String(nodes).padStart(5)}  ${reason}  [${plugin}]${which}`;
    }),
  );
  section(
    'Nearest nodes',
    nearest.map(({ node, text }) => `${node}: ${text}`),
  );
  section(
    'Preemption',
    preemption
      ? [preemption.text.replace(/^preemption: /, ''), ...(preemption.victims ?? []).map((pod) => `- ${pod}`)]
      : [],
  );
  section('Queue', queue ? [queue.text] : []);
  section(
    'What would help',
    remedies.map(({ text }) => `- ${text}`),
  );
  section('Notes', notes);
  return `${lines.join('\n')}\n`;
}

/** A table: a row a node, a column a score plugin; below it what filters said of the nodes they reject. */
export function traceText(trace: Trace, options: TextOptions = {}): string {
  const { bold = plain } = options;
  const lines = [
    bold(`Decision of profile ${trace.schedulerName}`),
    `  filters: ${trace.filters.join(', ')}`,
  ];
  const feasible = trace.nodes.filter((node) => node.feasible);
  if (feasible.length > 0) {
    const head = ['NODE', 'TOTAL', ...trace.scores.map(({ plugin, weight }) => `${plugin} x${weight}`)];
    const rows = feasible.map((node) => [
      node.node,
      number(node.total ?? 0),
      ...trace.scores.map(({ plugin }) => scoreText(node, plugin)),
    ]);
    lines.push('', '  score: raw > normalized (0..100) > weighted', ...table([head, ...rows]));
  }
  const rejected = trace.nodes.filter((node) => !node.feasible);
  if (rejected.length > 0) {
    const rows = rejected.map(({ node, filters }) => [
      node,
      Object.entries(filters)
        .filter(([, verdict]) => verdict !== 'ok')
        .map(([plugin, verdict]) => `${plugin}: ${verdict}`)
        .join('; '),
    ]);
    lines.push('', ...table([['NODE', 'REJECTED BY'], ...rows]));
  }
  if (trace.omitted > 0) lines.push('', `  ${trace.omitted} more nodes: --all shows them`);
  return `${lines.join('\n')}\n`;
}

function scoreText({ scores }: NodeTrace, plugin: string): string {
  const score = scores?.[plugin];
  return score ? `${number(score.raw)} > ${number(score.normalized)} > ${number(score.weighted)}` : '';
}

/** Whole numbers as they are; others to two places. */
function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ')}`.trimEnd(),
  );
}
