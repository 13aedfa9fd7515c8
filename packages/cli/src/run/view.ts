/**
 * What `coracle run` shows. On a terminal: log lines scroll by, and below them stands one row a worker (state, node, GPU, last
 * metrics), redrawn in place. Elsewhere (a file, CI): log lines, and one line for each change of a worker's state.
 */
import type { Pod } from '@coracle/machinery/api';
import type { Output } from '../context.ts';
import type { FollowListener } from './follow.ts';
import { metricsOf, metricsText } from './metrics.ts';
import { gpusOf, podState } from './outcome.ts';
import type { Outcome } from './outcome.ts';

export interface WorkerRow {
  name: string;
  state: string;
  node: string;
  gpus: string[];
  metrics: Map<string, string>;
}
export interface RunView extends FollowListener {
  readonly workers: readonly WorkerRow[];
  /** Prints above the worker rows. */
  note(text: string): void;
  /** Leaves the rows as they stand and the cursor below them. */
  close(): void;
}

const codes = ['36', '33', '32', '35', '34', '96'];
const marks: Record<string, string> = { Running: '●', Succeeded: '✔', Pending: '○' };

export function createRunView(out: Output, options: { colour: boolean; now: () => number }): RunView {
  const started = options.now();
  const workers = new Map<string, WorkerRow>();
  const live = out.isTTY === true;
  const paint = (text: string, code: string): string =>
    options.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  const colours = new Map<string, string>();
  const colourFor = (name: string): string => {
    if (!colours.has(name)) colours.set(name, codes[colours.size % codes.length] ?? '0');
    return colours.get(name) ?? '0';
  };
  let drawn = 0;
  let headline = '';
  let closed = false;

  const clear = (): string => (drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : '');
  const rows = (): string[] => {
    const width = out.columns ?? 100;
    const list = [...workers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    // A tall gang does not push the log off the screen.
    const room = Math.max(3, Math.min(list.length, (out.rows ?? 30) - 8));
    const nameWidth = Math.max(0, ...list.map((w) => w.name.length));
    const lines = list.slice(0, room).map((w) => {
      const gpu = w.gpus.length > 0 ? `  ${w.gpus.join(',')}` : '';
      const plain = `${marks[w.state] ?? '✖'} ${w.name.padEnd(nameWidth)}  ${w.state.padEnd(10)}${w.node ? `  ${w.node}` : ''}${gpu}  ${metricsText(w.metrics)}`;
      const cut = plain.slice(0, width - 1);
      return cut.replace(w.name, paint(w.name, colourFor(w.name)));
    });
    if (list.length > room) lines.push(`  … and ${list.length - room} more`);
    const seconds = Math.round((options.now() - started) / 1000);
    return ['', paint(`${headline}  ${seconds} s`, '1'), ...lines];
  };
  const draw = (above = ''): void => {
    if (!live || closed) {
      if (above) out.write(above);
      return;
    }
    const lines = rows();
    out.write(`${clear()}${above}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    get workers() {
      return [...workers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    workload(object, outcome: Outcome) {
      headline = `${object.kind} ${object.metadata.name}: ${outcome.text}`;
      draw();
    },
    pod(pod: Pod) {
      const before = workers.get(pod.metadata.name);
      const row: WorkerRow = {
        name: pod.metadata.name,
        state: podState(pod),
        node: pod.spec?.nodeName ?? '',
        gpus: gpusOf(pod),
        metrics: before?.metrics ?? new Map(),
      };
      workers.set(row.name, row);
      const changed = !before || before.state !== row.state || before.node !== row.node;
      const text = `${row.name}: ${row.state}${row.node ? ` on ${row.node}` : ''}${row.gpus.length > 0 ? `, GPU ${row.gpus.join(',')}` : ''}\n`;
      draw(changed && !live ? text : '');
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
      const prefix = several ? `${pod.metadata.name}/${container}` : pod.metadata.name;
      draw(`${paint(`${prefix} |`, colourFor(pod.metadata.name))} ${line}\n`);
    },
    note(text: string) {
      draw(`${text}\n`);
    },
    close() {
      draw();
      closed = true;
    },
  };
}
