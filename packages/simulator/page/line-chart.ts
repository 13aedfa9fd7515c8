/** Lines over a horizontal axis, as SVG (so that colours follow the style sheet, in the dark and in print). */
import { thinned, type Axis } from './axis.ts';
import { element, onLayout, svg, widthOf } from './dom.ts';
import type { Legend } from './legend.ts';

export interface Line {
  /** Of the candidate. */
  readonly index: number;
  readonly x: readonly number[];
  /** NaN: a gap. */
  readonly y: readonly number[];
}

export interface LineChart {
  readonly lines: readonly Line[];
  /** `width` in pixels. */
  x(width: number): Axis;
  readonly y: Axis;
  readonly sayX: (value: number) => string;
  readonly sayY: (value: number) => string;
  /** Looks up by the vertical axis: for distributions (what is the value of nine in ten?). */
  readonly byY?: boolean;
}

const margin = { left: 52, right: 14, top: 24, bottom: 40 };
const height = 230;

export function lineChart(host: HTMLElement, chart: LineChart, legend: Legend): void {
  const tip = element('div', { class: 'tip', hidden: '', 'aria-live': 'polite' });
  let at = 0.5;
  let area = { width: 0, height: 0 };
  let x = chart.x(600);
  let pointer: SVGLineElement | undefined;

  const draw = (): void => {
    const width = widthOf(host);
    x = chart.x(width);
    area = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    const plot = svg('g', { transform: `translate(${margin.left} ${margin.top})` });
    drawAxes(plot, x, chart.y, area);
    for (const line of chart.lines) {
      if (!legend.shown(line.index)) continue;
      plot.append(svg('path', { class: `line s${line.index % 8}`, d: path(line, x, chart.y, area) }));
    }
    pointer = svg('line', { class: 'pointer', y1: 0, y2: area.height, visibility: 'hidden' });
    plot.append(pointer);
    const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' }, plot);
    host.replaceChildren(picture, tip);
    tip.hidden = true;
  };
  const show = (part: number): void => {
    at = Math.max(0, Math.min(1, part));
    pointer?.setAttribute('x1', String(at * area.width));
    pointer?.setAttribute('x2', String(at * area.width));
    pointer?.setAttribute('visibility', 'visible');
    const value = x.value(at);
    tip.replaceChildren(element('strong', {}, chart.sayX(value)), ...rows(chart, legend, value));
    tip.hidden = false;
    const left = margin.left + at * area.width;
    const room = host.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, left + (left > room - 12 ? -tip.offsetWidth - 12 : 12)))}px`;
    tip.style.top = `${margin.top}px`;
  };
  const hide = (): void => {
    tip.hidden = true;
    pointer?.setAttribute('visibility', 'hidden');
  };
  host.addEventListener('pointermove', (event) => {
    const box = host.getBoundingClientRect();
    show((event.clientX - box.left - margin.left) / area.width);
  });
  host.addEventListener('pointerleave', hide);
  host.addEventListener('blur', hide);
  host.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (event.key === 'Escape') hide();
    if (step === undefined) return;
    event.preventDefault();
    show(at + step);
  });
  onLayout(host, draw);
  legend.onChange(draw);
}

function rows(chart: LineChart, legend: Legend, x: number): HTMLElement[] {
  return chart.lines
    .filter(({ index }) => legend.shown(index))
    .map((line) => {
      const y = valueAt(line, x, chart.byY === true);
      return element('div', {}, legend.swatch(line.index), ` ${legend.names[line.index]!}: ${chart.sayY(y)}`);
    });
}

/** The last y at or before x. For a distribution: the largest y whose x is not beyond it. */
function valueAt({ x, y }: Line, at: number, byY: boolean): number {
  let found = byY ? 0 : Number.NaN;
  for (let index = 0; index < x.length; index++) {
    if (x[index]! > at) break;
    found = y[index]!;
  }
  return found;
}

function path({ x, y }: Line, xAxis: Axis, yAxis: Axis, area: { width: number; height: number }): string {
  let text = '';
  let pen = 'M';
  for (let index = 0; index < x.length; index++) {
    if (Number.isNaN(y[index]!)) {
      pen = 'M';
      continue;
    }
    const left = xAxis.part(x[index]!) * area.width;
    const top = (1 - yAxis.part(y[index]!)) * area.height;
    text += `${pen}${left.toFixed(1)} ${top.toFixed(1)}`;
    pen = 'L';
  }
  return text;
}

/** Grid, ticks and titles. */
export function drawAxes(
  plot: SVGGElement,
  x: Axis,
  y: Axis | undefined,
  area: { width: number; height: number },
): void {
  for (const tick of y?.ticks ?? []) {
    const top = (1 - y!.part(tick.value)) * area.height;
    plot.append(
      svg('line', { class: 'grid', x1: 0, x2: area.width, y1: top, y2: top }),
      svg('text', { class: 'tick', x: -8, y: top + 4, 'text-anchor': 'end' }, tick.text),
    );
  }
  if (y) plot.append(svg('text', { class: 'axis', x: -margin.left + 4, y: -10 }, y.title));
  for (const tick of thinned(x, area.width)) {
    const left = x.part(tick.value) * area.width;
    plot.append(
      svg('line', { class: 'grid', x1: left, x2: left, y1: 0, y2: area.height }),
      svg('text', { class: 'tick', x: left, y: area.height + 16, 'text-anchor': 'middle' }, tick.text),
    );
  }
  plot.append(
    svg('line', { class: 'base', x1: 0, x2: area.width, y1: area.height, y2: area.height }),
    svg('text', { class: 'axis', x: area.width / 2, y: area.height + 34, 'text-anchor': 'middle' }, x.title),
  );
}
