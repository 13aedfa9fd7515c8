/**
 * What `coracle run` shows. On a terminal: log lines scroll by, and below them stands one row a worker (state, node, GPU, last
 * metrics), redrawn in place. Elsewhere (a file, CI): log lines, and one line for each change of a worker's state.
 */
import type { Pod } from '@coracle/machinery/api';
import type { Output } from '../context.ts';
import type { FollowListener } from './follow.ts';
import { metricsOf, metricsText } from './metrics.ts';
import { gpusOf, podState, podWhy } from './outcome.ts';
import type { Outcome } from './outcome.ts';

export interface WorkerRow {
  name: string;
  state: string;
  /** Why it does not run; empty for one that does. */
  why: string;
  node: string;
  gpus: string[];
  metrics: Map<string, string>;
}
export interface RunView extends FollowListener {
  readonly workers: readonly WorkerRow[];
  /** Prints above the worker rows. */
  note(text: string): void;
  /** Redraws the rows: the seconds go on when nothing else happens. */
  tick(): void;
  /** Leaves the rows as they stand and the cursor below them. */
  close(): void;
}
export interface RunViewOptions {
  colour: boolean;
  /** Milliseconds. */
  now: () => number;
  /** Draws later and less often than things happen; default: at once. */
  later?: (draw: () => void) => void;
}

const codes = ['36', '33', '32', '35', '34', '96'];
const marks: Record<string, string> = { Running: '●', Succeeded: '✔' };
/** States on the way to running: nothing is wrong with them. */
const waiting = new Set([
  'Pending',
  'ContainerCreating',
  'PodInitializing',
  'Unschedulable',
  'SchedulingGated',
  'Terminating',
]);
/** States that say nothing a reader of a log file would miss. */
const dull = new Set(['Pending', 'ContainerCreating', 'PodInitializing', 'Terminating']);

export function createRunView(out: Output, options: RunViewOptions): RunView {
  const started = options.now();
  const workers = new Map<string, WorkerRow>();
  const live = out.isTTY === true;
  const later = options.later ?? ((work: () => void) => work());
  const paint = (text: string, code: string): string =>
    options.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  const colours = new Map<string, string>();
  const colourFor = (name: string): string => {
    if (!colours.has(name)) colours.set(name, codes[colours.size % codes.length] ?? '0');
    return colours.get(name) ?? '0';
  };
  /** Reasons that were printed, where there are no rows to show them. */
  const told = new Set<string>();
  /** Lines on the terminal that the next drawing replaces. */
  let drawn = 0;
  /** Text that goes above the rows at the next drawing. */
  let above = '';
  let due = false;
  let headline = { what: '', state: '' };
  let closed = false;

  const sorted = (): WorkerRow[] => [...workers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  // A terminal that does not know its size says 0.
  const widthNow = (): number => Math.max(20, (out.columns || 100) - 1);
  const nameLimit = (): number => Math.max(16, Math.floor(widthNow() * 0.4));
  const rows = (): string[] => {
    const width = widthNow();
    const list = sorted();
    // A tall gang does not push the log off the screen.
    const room = Math.max(3, Math.min(list.length, (out.rows || 30) - 8));
    // Names of one job begin alike, and the headline has the job's: of long ones the end is shown.
    const longest = nameLimit();
    const named = list.slice(0, room).map((worker) => ({ worker, name: shortened(worker.name, longest) }));
    const nameWidth = Math.max(0, ...named.map(({ name }) => name.length));
    const lines = named.map(({ worker, name }) => {
      const { state, node, gpus, metrics } = worker;
      const mark = marks[state] ?? (waiting.has(state) ? '○' : '✖');
      const line = (...middle: string[]): string =>
        [
          `${mark} ${name.padEnd(nameWidth)}`,
          state.padEnd(10),
          ...middle,
          gpuText(gpus),
          metricsText(metrics),
        ]
          .filter(Boolean)
          .join('  ');
      // Where there is no room for all, metrics say more than the node.
      const whole = line(node);
      const cut = (whole.length <= width ? whole : line()).slice(0, width);
      return cut.replace(name, paint(name, colourFor(worker.name)));
    });
    if (list.length > room) lines.push(`  … and ${list.length - room} more`);
    const whys = [...new Set(list.map(({ why }) => why).filter(Boolean))].slice(0, 2);
    const seconds = `  ${Math.round((options.now() - started) / 1000)} s`;
    return [
      '',
      paint(`${headlineText(list).slice(0, width - seconds.length)}${seconds}`, '1'),
      ...lines,
      ...whys.flatMap((why) => wrapped(why, width - 2).map((line) => `  ${paint(line, '33')}`)),
    ];
  };
  /** A workload counts as running from its start; what its workers do is what a reader wants to know. */
  const headlineText = (list: readonly WorkerRow[]): string => {
    const idle = headline.state === 'Running' && list.every(({ state }) => waiting.has(state));
    return `${headline.what}: ${idle ? 'Pending' : headline.state}`;
  };
  const flush = (): void => {
    due = false;
    if (closed) return;
    const lines = rows();
    const clear = drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : '';
    out.write(`${clear}${above}${lines.join('\n')}\n`);
    above = '';
    drawn = lines.length;
  };
  const draw = (text = ''): void => {
    if (!live || closed) {
      if (text) out.write(text);
      return;
    }
    above += text;
    if (due) return;
    due = true;
    later(() => {
      if (due) flush();
    });
  };
  return {
    get workers() {
      return sorted();
    },
    workload(object, outcome: Outcome) {
      headline = { what: `${object.kind} ${object.metadata.name}`, state: outcome.text };
      draw();
    },
    pod(pod: Pod) {
      const before = workers.get(pod.metadata.name);
      const row: WorkerRow = {
        name: pod.metadata.name,
        state: podState(pod),
        why: podWhy(pod),
        node: pod.spec?.nodeName ?? '',
        gpus: gpusOf(pod),
        metrics: before?.metrics ?? new Map(),
      };
      workers.set(row.name, row);
      draw(live ? '' : changeText(row, before));
    },
    podGone(pod: Pod) {
      const row = workers.get(pod.metadata.name);
      if (row && row.state !== 'Succeeded') row.state = 'Gone';
      draw();
    },
    line(pod: Pod, container: string, line: string) {
      const row = workers.get(pod.metadata.name);
      if (row) for (const [name, value] of metricsOf(line)) row.metrics.set(name, value);
      const several = (pod.spec?.containers.length ?? 1) > 1;
      const name = live ? shortened(pod.metadata.name, nameLimit()) : pod.metadata.name;
      const prefix = several ? `${name}/${container}` : name;
      draw(`${paint(`${prefix} |`, colourFor(pod.metadata.name))} ${live ? tame(line) : line}\n`);
    },
    note(text: string) {
      draw(`${text}\n`);
    },
    tick() {
      if (live) draw();
    },
    close() {
      if (live && !closed) flush();
      closed = true;
    },
  };

  /** A line about a worker that has changed; empty if a reader would not miss it. A reason is told once for all workers. */
  function changeText(row: WorkerRow, before: WorkerRow | undefined): string {
    const { name, state, node, gpus } = row;
    const why = told.has(row.why) ? '' : row.why;
    const changed = before?.state !== state || before.node !== node;
    if (why ? false : !changed || dull.has(state)) return '';
    if (why) told.add(why);
    const gpu = gpus.length > 0 ? `, GPU ${gpus.join(',')}` : '';
    return `${name}: ${state}${node ? ` on ${node}` : ''}${gpu}${why ? `: ${why}` : ''}\n`;
  }
}

function shortened(name: string, longest: number): string {
  return name.length <= longest ? name : `…${name.slice(1 - longest)}`;
}

/** Ids of cards for a narrow place: the first part of each, or how many there are. */
function gpuText(gpus: readonly string[]): string {
  if (gpus.length > 2) return `${gpus.length} GPUs`;
  return gpus.map((id) => id.replace(/^((?:GPU|MIG)-[0-9a-f]{8})-.*/, '$1')).join(',');
}

/** At most four lines of words; a word longer than a line is cut. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word.slice(0, width);
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.slice(0, width));
  }
  return lines.slice(0, 4);
}

/** A log line that cannot move the cursor: of a progress bar that redraws itself the last state; colours stay. */
function tame(line: string): string {
  const last = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return last.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    /\u001b\[[0-9;]*m|\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f]/g,
    (found) => (found.startsWith('\u001b[') && found.endsWith('m') ? found : ''),
  );
}
