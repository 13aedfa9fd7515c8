/** Values as dots with their intervals as whiskers, one row each. */
import { countAxis, logFactorAxis, thinned, type Axis } from './axis.ts';
import { onLayout, svg, widthOf } from './dom.ts';
import type { Legend } from './legend.ts';
import { durationUnit, digits, inUnit, withInterval, type Unit } from '../src/report/units.ts';
import type { PageInterval } from '../src/report/html/page-data.ts';

/** A metric of all candidates. */
export function intervalChart(host: HTMLElement, metric: PageInterval, legend: Legend): void {
  const draw = (): void => {
    const width = widthOf(host);
    const rows = metric.values.flatMap(({ mean, half }, index) =>
      mean === null || !legend.shown(index) ? [] : [{ index, mean, half }],
    );
    const labelWidth = Math.min(
      130,
      12 + 7 * Math.max(...rows.map(({ index }) => legend.names[index]!.length), 4),
    );
    const valueWidth = 120;
    const area = { width: width - labelWidth - valueWidth - 12, height: rows.length * 24 };
    const scale = valueAxis(Math.max(...rows.map(({ mean, half }) => mean + (half ?? 0)), 0), metric.unit);
    const plot = svg('g', { transform: `translate(${labelWidth} 4)` });
    for (const tick of thinned(scale, area.width)) {
      const left = scale.part(tick.value) * area.width;
      plot.append(
        svg('line', { class: 'grid', x1: left, x2: left, y1: 0, y2: area.height }),
        svg('text', { class: 'tick', x: left, y: area.height + 14, 'text-anchor': 'middle' }, tick.text),
      );
    }
    plot.append(
      svg('text', { class: 'tick', x: unitAt(scale, area.width), y: area.height + 14 }, scale.title),
    );
    for (const [row, { index, mean, half }] of rows.entries()) {
      const top = row * 24 + 12;
      const dot = scale.part(mean) * area.width;
      plot.append(
        svg(
          'text',
          { class: 'label', x: -8, y: top + 4, 'text-anchor': 'end' },
          cut(legend.names[index]!, labelWidth),
        ),
        svg(
          'text',
          { class: 'value', x: area.width + 12, y: top + 4 },
          withInterval(mean, half ?? Number.NaN, metric.unit),
        ),
      );
      if (half !== null) {
        const [from, to] = [scale.part(mean - half) * area.width, scale.part(mean + half) * area.width];
        plot.append(
          svg('path', {
            class: `whisker s${index % 8}`,
            d: `M${from} ${top - 4}v8M${from} ${top}H${to}M${to} ${top - 4}v8`,
          }),
        );
      }
      plot.append(svg('circle', { class: `dot s${index % 8}`, cx: dot, cy: top, r: 4.5 }));
    }
    host.replaceChildren(
      svg('svg', { viewBox: `0 0 ${width} ${area.height + 26}`, 'aria-hidden': 'true' }, plot),
    );
  };
  onLayout(host, draw);
  legend.onChange(draw);
}

function valueAxis(most: number, unit: Unit): Axis {
  if (unit === 'share') {
    const axis = countAxis(most * 100, '%');
    return {
      ...axis,
      part: (value) => axis.part(value * 100),
      ticks: axis.ticks.map(({ value, text }) => ({ value: value / 100, text })),
    };
  }
  // Jain's index ends at 1.
  if (unit === 'index') return countAxis(1, '1 = even');
  if (unit !== 'ms') return countAxis(most, { times: 'times', hours: 'hours', count: '' }[unit]);
  const { ms, name } = durationUnit(most);
  const axis = countAxis(most / ms, name);
  return {
    ...axis,
    part: (value) => axis.part(value / ms),
    ticks: axis.ticks.map(({ value, text }) => ({ value: value * ms, text })),
  };
}

export interface TenantRows {
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly unit: Unit;
  readonly title: string;
}

/** A value of each tenant, a dot for each candidate. */
export function tenantChart(host: HTMLElement, chart: () => TenantRows, legend: Legend): () => void {
  const draw = (): void => {
    const { rows, unit, title } = chart();
    const width = widthOf(host);
    const labelWidth = Math.min(
      width < 500 ? 110 : 180,
      16 + 7 * Math.max(...rows.map(({ name }) => name.length), 4),
    );
    const area = { width: width - labelWidth - 16, height: rows.length * 22 };
    const most = Math.max(...rows.flatMap(({ values }) => values.map((value) => value ?? 0)), 0);
    const scale = unit === 'times' ? logFactorAxis(most, title) : valueAxis(most, unit);
    const below =
      unit === 'times' && rows.some(({ values }) => values.some((value) => value !== null && value < 1));
    const axis = below ? { ...countAxis(most, title) } : scale;
    const plot = svg('g', { transform: `translate(${labelWidth} 4)` });
    for (const tick of thinned(axis, area.width)) {
      const left = axis.part(tick.value) * area.width;
      plot.append(
        svg('line', { class: 'grid', x1: left, x2: left, y1: 0, y2: area.height }),
        svg('text', { class: 'tick', x: left, y: area.height + 15, 'text-anchor': 'middle' }, tick.text),
      );
    }
    plot.append(
      svg(
        'text',
        { class: 'axis', x: area.width / 2, y: area.height + 33, 'text-anchor': 'middle' },
        unit === 'ms' ? `${title} (${axis.title})` : title,
      ),
    );
    for (const [row, { name, values }] of rows.entries()) {
      const top = row * 22 + 11;
      plot.append(
        svg('line', { class: 'grid', x1: 0, x2: area.width, y1: top, y2: top }),
        svg(
          'text',
          { class: 'label', x: -8, y: top + 4, 'text-anchor': 'end' },
          cut(name, labelWidth),
          svg('title', {}, name),
        ),
      );
      for (const [index, value] of values.entries()) {
        if (value === null || !legend.shown(index)) continue;
        plot.append(
          svg(
            'circle',
            {
              class: `dot s${index % 8}`,
              cx: axis.part(value) * area.width,
              cy: top + dodge(index, values.length),
              r: 4.5,
            },
            svg('title', {}, `${name}, ${legend.names[index]!}: ${inUnit(value, unit)}`),
          ),
        );
      }
    }
    host.replaceChildren(
      svg('svg', { viewBox: `0 0 ${width} ${area.height + 42}`, 'aria-hidden': 'true' }, plot),
    );
  };
  onLayout(host, draw);
  legend.onChange(draw);
  return draw;
}

/** Parts of a whole, one bar a candidate. */
export function partsChart(
  host: HTMLElement,
  values: readonly (readonly number[])[],
  names: readonly string[],
  legend: Legend,
): void {
  const draw = (): void => {
    const width = widthOf(host);
    const shown = values.flatMap((parts, index) => (legend.shown(index) ? [{ index, parts }] : []));
    const plot = svg('g');
    for (const [row, { index, parts }] of shown.entries()) {
      const top = row * 46;
      plot.append(svg('text', { class: 'label', x: 0, y: top + 13 }, legend.names[index]!));
      let left = 0;
      for (const [kind, part] of parts.entries()) {
        const size = part * width;
        plot.append(
          svg(
            'rect',
            { class: `part p${kind}`, x: left, y: top + 18, width: Math.max(0, size), height: 20 },
            svg('title', {}, `${names[kind]!}: ${inUnit(part, 'share')}`),
          ),
        );
        if (size > 44) {
          plot.append(
            svg(
              'text',
              { class: `inside i${kind}`, x: left + size / 2, y: top + 32, 'text-anchor': 'middle' },
              `${digits(part * 100)} %`,
            ),
          );
        }
        left += size;
      }
    }
    host.replaceChildren(
      svg('svg', { viewBox: `0 0 ${width} ${shown.length * 46}`, 'aria-hidden': 'true' }, plot),
    );
  };
  onLayout(host, draw);
  legend.onChange(draw);
}

/** Where the unit stands: right of the last tick. */
function unitAt(axis: Axis, width: number): number {
  const last = axis.ticks.at(-1);
  return last ? axis.part(last.value) * width + 6 + last.text.length * 3.6 : width;
}

/** A little above or below, so that equal values do not hide each other. */
function dodge(index: number, count: number): number {
  const step = Math.min(3, 10 / count);
  return (index - (count - 1) / 2) * step;
}

function cut(text: string, width: number): string {
  const most = Math.max(4, Math.floor((width - 12) / 6.6));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
