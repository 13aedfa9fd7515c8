/** Which job ran where and when: a row a node, a bar a stretch, as high as its part of the node's cards (cores, where it has none). */
import { timeAxis, thinned } from './axis.ts';
import { element, onColours, onLayout, sized, styleOf, widthOf } from './dom.ts';
import { inflate, inflateJson, numbers } from './unpack.ts';
import { digits, duration } from '../src/report/units.ts';
import type { PageGantt } from '../src/report/html/page-data.ts';

interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly job: number;
  /** Thousandths of cards, or of cores; one of both is 0. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  /** From the bottom of the row, and how much of it: 0 to 1. */
  readonly pieces: { low: number; size: number }[];
}

interface Loaded {
  readonly gantt: PageGantt;
  readonly nodes: readonly string[];
  /** `[id, index of the tenant]`. */
  readonly jobs: readonly (readonly [string, number])[];
  readonly rows: readonly (readonly Bar[])[];
  /** Of tenants: which colour; those beyond the seventh share one. */
  readonly colour: ReadonlyMap<number, number>;
}

const rowHeight = 28;
const axisHeight = 44;
const mostZoom = 4096;

export function ganttChart(
  host: HTMLElement,
  gantts: readonly PageGantt[],
): (index: number) => Promise<void> {
  const canvas = element('canvas');
  const spacer = element('div', { class: 'spacer' }, canvas);
  const scroller = element('div', { class: 'scroller', tabindex: 0, role: 'img' }, spacer);
  const tip = element('div', { class: 'tip', hidden: '' });
  const legend = element('div', { class: 'tenants' });
  const buttons = (
    [
      ['Zoom in', '+', 2],
      ['Zoom out', '−', 0.5],
      ['Show all', 'all', 0],
    ] as const
  ).map(([label, text, factor]) => {
    const button = element('button', { type: 'button', title: label, 'aria-label': label }, text);
    button.addEventListener('click', () => zoomTo(factor === 0 ? 1 : zoom * factor));
    return button;
  });
  host.replaceChildren(element('div', { class: 'controls' }, ...buttons), legend, scroller, tip);
  let loaded: Loaded | undefined;
  let zoom = 1;
  let view = { width: 0, height: 0, gutter: 0 };

  const layout = (): void => {
    if (!loaded) return;
    const width = widthOf(scroller);
    const names = Math.max(...loaded.nodes.map(({ length }) => length), 4);
    view = {
      width,
      height: Math.min(loaded.rows.length * rowHeight, 16 * rowHeight) + axisHeight,
      gutter: Math.min(width < 500 ? 84 : 150, 12 + 7 * names),
    };
    scroller.style.height = `${view.height + 16}px`;
    spacer.style.width = `${view.gutter + (width - view.gutter) * zoom}px`;
    spacer.style.height = `${loaded.rows.length * rowHeight + axisHeight}px`;
    draw();
  };
  const timeAt = (x: number): number => {
    const { fromMs, toMs } = loaded!.gantt;
    return (
      fromMs +
      ((scroller.scrollLeft + x - view.gutter) / ((view.width - view.gutter) * zoom)) * (toMs - fromMs)
    );
  };
  const draw = (): void => {
    if (!loaded || view.width === 0) return;
    const { gantt, rows, nodes, jobs, colour } = loaded;
    const context = sized(canvas, view.width, view.height);
    const [fromMs, toMs] = [timeAt(view.gutter), timeAt(view.width)];
    const place = (ms: number): number =>
      view.gutter + ((ms - fromMs) / (toMs - fromMs || 1)) * (view.width - view.gutter);
    const bottom = view.height - axisHeight;
    const [ink, line, back] = [styleOf('--ink'), styleOf('--line'), styleOf('--back')];
    const paints = Array.from({ length: 8 }, (_, index) => styleOf(`--s${index}`));
    const first = Math.floor(scroller.scrollTop / rowHeight);
    for (let row = first; row < rows.length; row++) {
      const top = row * rowHeight - scroller.scrollTop;
      if (top > bottom) break;
      context.fillStyle = line;
      context.fillRect(view.gutter, top + rowHeight - 1, view.width, 1);
      for (const bar of rows[row]!) {
        if (bar.toMs < fromMs || bar.fromMs > toMs) continue;
        const left = Math.max(view.gutter, place(bar.fromMs));
        const right = Math.max(left + 0.75, Math.min(view.width, place(bar.toMs)));
        const [id, tenant] = [bar.job, jobs[bar.job]![1]];
        context.fillStyle = paints[gantt.tenants.length > 1 ? (colour.get(tenant) ?? 7) : id % 7]!;
        for (const piece of bar.pieces) {
          const height = Math.max(1, piece.size * (rowHeight - 4));
          const y = top + rowHeight - 2 - piece.low * (rowHeight - 4) - height;
          const gap = right - left > 4 ? 1 : 0;
          context.fillRect(left, y, right - left - gap, Math.max(1, height - (height > 3 ? 0.75 : 0)));
        }
      }
      context.fillStyle = back;
      context.fillRect(0, top, view.gutter, rowHeight);
      context.fillStyle = ink;
      context.font = '12px system-ui, sans-serif';
      context.textAlign = 'right';
      context.fillText(cut(nodes[row]!, view.gutter), view.gutter - 6, top + 18);
    }
    context.fillStyle = back;
    context.fillRect(0, bottom, view.width, axisHeight);
    context.fillStyle = ink;
    context.textAlign = 'center';
    const axis = timeAxis(fromMs, toMs, (view.width - view.gutter) / 90);
    for (const tick of thinned(axis, view.width - view.gutter))
      context.fillText(tick.text, place(tick.value), bottom + 16);
    context.fillText(axis.title, view.gutter + (view.width - view.gutter) / 2, bottom + 34);
  };
  const zoomTo = (wanted: number, x = view.gutter + (view.width - view.gutter) / 2): void => {
    if (!loaded) return;
    const at = timeAt(x);
    zoom = Math.max(1, Math.min(mostZoom, wanted));
    const { fromMs, toMs } = loaded.gantt;
    spacer.style.width = `${view.gutter + (view.width - view.gutter) * zoom}px`;
    scroller.scrollLeft =
      ((at - fromMs) / (toMs - fromMs || 1)) * (view.width - view.gutter) * zoom - (x - view.gutter);
    draw();
  };
  const barAt = (x: number, y: number): { bar: Bar; row: number } | undefined => {
    if (!loaded || x < view.gutter || y > view.height - axisHeight) return undefined;
    const row = Math.floor((y + scroller.scrollTop) / rowHeight);
    const ms = timeAt(x);
    const slack = timeAt(x + 2) - ms;
    const part = 1 - (y + scroller.scrollTop - row * rowHeight - 2) / (rowHeight - 4);
    const bar = loaded.rows[row]?.find(
      ({ fromMs, toMs, pieces }) =>
        ms >= fromMs - slack &&
        ms <= toMs + slack &&
        pieces.some(({ low, size }) => part >= low && part <= low + size),
    );
    return bar && { bar, row };
  };
  canvas.addEventListener('pointermove', (event) => {
    const found = barAt(event.offsetX, event.offsetY);
    tip.hidden = !found;
    if (!found || !loaded) return;
    const { bar, row } = found;
    const [id, tenant] = loaded.jobs[bar.job]!;
    tip.replaceChildren(
      element('strong', {}, id),
      element('div', {}, `${loaded.gantt.tenants[tenant] ?? ''} on ${loaded.nodes[row]!}`),
      element('div', {}, `from ${duration(bar.fromMs)}, for ${duration(bar.toMs - bar.fromMs)}`),
      ...held(bar.gpuMilli, 'GPU'),
      ...held(bar.cpuMilli, 'core'),
    );
    const right = event.offsetX > view.width / 2;
    tip.style.left = `${Math.max(0, right ? event.offsetX - tip.offsetWidth - 12 : event.offsetX + 12)}px`;
    tip.style.top = `${scroller.offsetTop + Math.min(event.offsetY + 8, view.height - 90)}px`;
  });
  canvas.addEventListener('pointerleave', () => (tip.hidden = true));
  scroller.addEventListener('scroll', () => requestAnimationFrame(draw), { passive: true });
  scroller.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomTo(
        zoom * (event.deltaY < 0 ? 1.5 : 1 / 1.5),
        event.clientX - scroller.getBoundingClientRect().left,
      );
    },
    { passive: false },
  );
  scroller.addEventListener('keydown', (event) => {
    const factor = { '+': 2, '=': 2, '-': 0.5, '0': 1 / mostZoom }[event.key];
    if (factor !== undefined && !event.ctrlKey && !event.metaKey) zoomTo(zoom * factor);
  });
  onLayout(scroller, layout);
  onColours(draw);
  return async (index) => {
    loaded = await load(gantts[index]!);
    zoom = 1;
    scroller.scrollTo(0, 0);
    const { gantt, colour, nodes } = loaded;
    legend.replaceChildren(
      ...(gantt.tenants.length > 1 ? [...colour] : []).map(([tenant, paint]) =>
        element('span', {}, chip(paint), gantt.tenants[tenant] ?? ''),
      ),
      ...(gantt.tenants.length > colour.size ? [element('span', {}, chip(7), 'others')] : []),
    );
    scroller.setAttribute(
      'aria-label',
      `Gantt chart of ${loaded.jobs.length} jobs on ${nodes.length} nodes. Arrow keys scroll, plus and minus zoom. The longest waits are in the table below.`,
    );
    layout();
  };
}

function held(milli: number, what: string): HTMLElement[] {
  if (milli === 0) return [];
  return [element('div', {}, `${digits(milli / 1000)} ${what}${milli > 1000 ? 's' : ''} here`)];
}

async function load(gantt: PageGantt): Promise<Loaded> {
  const [bytes, nodes, jobs] = await Promise.all([
    inflate(gantt.data),
    inflateJson<string[]>(gantt.nodes),
    inflateJson<[string, number][]>(gantt.jobs),
  ]);
  const from = numbers(bytes);
  const rows = nodes.map(() => {
    let start = 0;
    const bars = Array.from({ length: from.next() }, (): Bar => {
      start += from.next();
      const length = from.next();
      const fromMs = gantt.fromMs + start * gantt.unitMs;
      return {
        fromMs,
        toMs: fromMs + length * gantt.unitMs,
        job: from.next(),
        gpuMilli: from.next(),
        cpuMilli: from.next(),
        pieces: [],
      };
    });
    stack(bars);
    return bars;
  });
  return { gantt, nodes, jobs, rows, colour: coloursOf(gantt, jobs) };
}

/**
 * Puts stretches that overlap on top of each other: each takes the lowest gaps, in pieces if need be, so that a row is as high
 * as what the node ever holds at once.
 */
function stack(bars: readonly Bar[]): void {
  const active: { toMs: number; low: number; size: number }[] = [];
  let top = 1e-9;
  for (const bar of bars) {
    for (let index = active.length - 1; index >= 0; index--) {
      if (active[index]!.toMs <= bar.fromMs) active.splice(index, 1);
    }
    let left = bar.gpuMilli || bar.cpuMilli || 1;
    let low = 0;
    for (const other of active.toSorted((a, b) => a.low - b.low)) {
      const size = Math.min(left, other.low - low);
      if (size > 0) {
        bar.pieces.push({ low, size });
        left -= size;
      }
      low = Math.max(low, other.low + other.size);
      if (left <= 0) break;
    }
    if (left > 0) bar.pieces.push({ low, size: left });
    for (const piece of bar.pieces) {
      active.push({ toMs: bar.toMs, ...piece });
      top = Math.max(top, piece.low + piece.size);
    }
  }
  for (const { pieces } of bars) {
    for (const piece of pieces) {
      piece.low /= top;
      piece.size /= top;
    }
  }
}

/** Those with most jobs have colours of their own. */
function coloursOf(gantt: PageGantt, jobs: readonly (readonly [string, number])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [, tenant] of jobs) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  const most = [...counts]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, gantt.tenants.length > 8 ? 7 : 8);
  return new Map(most.map(([tenant], index) => [tenant, index]));
}

function chip(paint: number): HTMLElement {
  return element('i', { class: `chip c${paint}` });
}

function cut(text: string, width: number): string {
  const most = Math.max(6, Math.floor((width - 10) / 6.8));
  return text.length <= most ? text : `…${text.slice(1 - most)}`;
}
