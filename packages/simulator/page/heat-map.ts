/** How busy every node is over time, as pixels. */
import { timeAxis, thinned } from './axis.ts';
import { element, onColours, onLayout, sized, styleOf, widthOf } from './dom.ts';
import { inflate, inflateJson } from './unpack.ts';
import { duration } from '../src/report/units.ts';
import type { PageHeat } from '../src/report/html/page-data.ts';

/** Cividis, at every tenth (Nunez, Anderton, Renslow 2018): the same for all kinds of colour vision, and in grey. */
const stops = [
  '00224e',
  '123570',
  '3b496c',
  '575d6d',
  '707173',
  '8a8678',
  'a59c74',
  'c3b369',
  'e1cc55',
  'f4dd3f',
  'fee838',
].map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]);

function colourOf(percent: number): [number, number, number] {
  const at = Math.min(99.999, Math.max(0, percent)) / 10;
  const [a, b] = [stops[Math.floor(at)]!, stops[Math.floor(at) + 1]!];
  const part = at - Math.floor(at);
  return [0, 1, 2].map((index) => Math.round(a[index]! + (b[index]! - a[index]!) * part)) as [
    number,
    number,
    number,
  ];
}

const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

interface Loaded {
  readonly heat: PageHeat;
  readonly percent: Uint8Array;
  readonly names: readonly string[];
  /** Rows as shown, from the top. */
  order: readonly number[];
}

export function heatMap(
  host: HTMLElement,
  heats: readonly PageHeat[],
  what: string,
): (index: number, busiest: boolean) => Promise<void> {
  const canvas = element('canvas', { role: 'img', tabindex: 0 });
  const tip = element('div', { class: 'tip', hidden: '', 'aria-live': 'polite' });
  host.replaceChildren(canvas, tip);
  let loaded: Loaded | undefined;
  let cell = { row: 0, column: 0 };
  let area = { left: 0, top: 4, width: 0, height: 0 };

  const draw = (): void => {
    if (!loaded) return;
    const { heat, names, order } = loaded;
    const width = widthOf(host);
    const labels = heat.rows <= 40;
    area = {
      left: labels ? Math.min(140, 14 + 7 * Math.max(...names.map(({ length }) => length))) : 14,
      top: 4,
      width: 0,
      height: labels ? heat.rows * 16 : Math.min(560, Math.max(320, heat.rows)),
    };
    area.width = width - area.left - 8;
    const context = sized(canvas, width, area.height + 48);
    context.imageSmoothingEnabled = heat.rows > area.height || heat.columns > area.width;
    context.imageSmoothingQuality = 'high';
    context.drawImage(pixels(loaded), area.left, area.top, area.width, area.height);
    context.fillStyle = styleOf('--ink');
    context.font = '12px system-ui, sans-serif';
    if (labels) {
      context.textAlign = 'right';
      for (const [row, node] of order.entries())
        context.fillText(cut(names[node]!), area.left - 6, area.top + row * 16 + 12);
    } else {
      context.save();
      context.translate(10, area.top + area.height / 2);
      context.rotate(-Math.PI / 2);
      context.textAlign = 'center';
      context.fillText(`${heat.nodes.toLocaleString('en-US')} nodes`, 0, 0);
      context.restore();
    }
    const axis = timeAxis(heat.fromMs, heat.fromMs + heat.columns * heat.stepMs, area.width / 90);
    context.textAlign = 'center';
    for (const tick of thinned(axis, area.width)) {
      context.fillText(
        tick.text,
        area.left + axis.part(tick.value) * area.width,
        area.top + area.height + 16,
      );
    }
    context.fillText(axis.title, area.left + area.width / 2, area.top + area.height + 36);
  };
  const show = (): void => {
    if (!loaded) return;
    const { heat, percent, names, order } = loaded;
    cell = {
      row: Math.max(0, Math.min(heat.rows - 1, cell.row)),
      column: Math.max(0, Math.min(heat.columns - 1, cell.column)),
    };
    const node = order[cell.row]!;
    const value = percent[node * heat.columns + cell.column]!;
    const fromMs = heat.fromMs + cell.column * heat.stepMs;
    tip.replaceChildren(
      element('strong', {}, names[node]!),
      element('div', {}, value === 255 ? 'not there' : `${value} % of ${what}`),
      element('div', {}, `${duration(fromMs)} to ${duration(fromMs + heat.stepMs)}`),
    );
    tip.hidden = false;
    const left = area.left + ((cell.column + 0.5) / heat.columns) * area.width;
    const top = area.top + ((cell.row + 0.5) / heat.rows) * area.height;
    tip.style.left = `${Math.max(0, left > host.clientWidth / 2 ? left - tip.offsetWidth - 12 : left + 12)}px`;
    tip.style.top = `${Math.min(area.height - 30, top)}px`;
  };
  canvas.addEventListener('pointermove', (event) => {
    if (!loaded) return;
    const [x, y] = [event.offsetX - area.left, event.offsetY - area.top];
    if (x < 0 || y < 0 || x >= area.width || y >= area.height) {
      tip.hidden = true;
      return;
    }
    cell = {
      row: Math.floor((y / area.height) * loaded.heat.rows),
      column: Math.floor((x / area.width) * loaded.heat.columns),
    };
    show();
  });
  canvas.addEventListener('pointerleave', () => (tip.hidden = true));
  canvas.addEventListener('blur', () => (tip.hidden = true));
  canvas.addEventListener('keydown', (event) => {
    const [down, right] = steps[event.key] ?? [0, 0];
    if (down === 0 && right === 0) return;
    event.preventDefault();
    cell = { row: cell.row + down, column: cell.column + right };
    show();
  });
  onLayout(host, draw);
  onColours(draw);
  return async (index, busiest) => {
    const heat = heats[index]!;
    if (loaded?.heat !== heat) {
      const [percent, names] = await Promise.all([inflate(heat.data), inflateJson<string[]>(heat.names)]);
      loaded = { heat, percent, names, order: [] };
    }
    const mean = means(loaded);
    loaded.order = Array.from(mean.keys()).sort((a, b) => (busiest ? mean[b]! - mean[a]! : 0) || a - b);
    const whole = mean.reduce((a, b) => a + b, 0) / (mean.length || 1);
    canvas.setAttribute(
      'aria-label',
      `Heat map: ${heat.rows} rows of nodes over time; ${Math.round(whole)} % of ${what} on average. Arrow keys move over it.`,
    );
    draw();
  };
}

function means({ heat, percent }: Loaded): number[] {
  return Array.from({ length: heat.rows }, (_, row) => {
    let [total, count] = [0, 0];
    for (let column = 0; column < heat.columns; column++) {
      const value = percent[row * heat.columns + column]!;
      if (value === 255) continue;
      total += value;
      count++;
    }
    return count === 0 ? 0 : total / count;
  });
}

/** One pixel a cell. */
function pixels({ heat, percent, order }: Loaded): HTMLCanvasElement {
  const canvas = element('canvas', { width: heat.columns, height: heat.rows });
  const image = new ImageData(heat.columns, heat.rows);
  const colours = Array.from({ length: 101 }, (_, value) => colourOf(value));
  for (const [row, node] of order.entries()) {
    for (let column = 0; column < heat.columns; column++) {
      const value = percent[node * heat.columns + column]!;
      const at = (row * heat.columns + column) * 4;
      if (value === 255) continue;
      const [red, green, blue] = colours[Math.min(100, value)]!;
      image.data.set([red, green, blue, 255], at);
    }
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

function cut(text: string): string {
  return text.length <= 18 ? text : `…${text.slice(-17)}`;
}
