/** The report page's script: draws what the page's data says into the places that the page has for it. */
import { countAxis, logDurationAxis, logFactorAxis, percentAxis, timeAxis } from './axis.ts';
import { intervalChart, partsChart, tenantChart, type TenantRows } from './dot-chart.ts';
import { element } from './dom.ts';
import { ganttChart } from './gantt.ts';
import { heatMap } from './heat-map.ts';
import { makeLegend } from './legend.ts';
import { lineChart, type LineChart } from './line-chart.ts';
import { digits, duration, inUnit } from '../src/report/units.ts';
import type { PageData } from '../src/report/html/page-data.ts';

const data = JSON.parse(document.getElementById('data')!.textContent) as PageData;
const what = data.resource === 'gpu' ? 'GPUs' : 'cores';
const legend = makeLegend(data.candidates, document.getElementById('legend'));
const place = (name: string): HTMLElement | null =>
  document.querySelector<HTMLElement>(`[data-chart="${name}"]`);

for (const { key, values } of data.series) {
  const host = place(key);
  if (host) lineChart(host, overTime(key, values), legend);
}

function overTime(key: string, values: readonly (readonly (number | null)[])[]): LineChart {
  const most = Math.max(0, ...values.flat().map((value) => value ?? 0));
  const count = key.startsWith('jobs');
  const steps = values[0]!.length;
  const toMs = data.fromMs + steps * data.stepMs;
  return {
    lines: values.map((column, index) => ({
      index,
      x: column.map((_, step) => data.fromMs + (step + 0.5) * data.stepMs),
      y: column.map((value) => value ?? Number.NaN),
    })),
    x: (width) => timeAxis(data.fromMs, toMs, width / 90),
    y: count
      ? countAxis(most, 'jobs')
      : percentAxis(most, key === 'demandWaiting' ? `% of all ${what}` : `% of ${what}`),
    sayX: (ms) => `after ${duration(ms)}`,
    sayY: (value) => (count ? digits(value) : inUnit(value, 'share')),
  };
}

const least = { wait: 1000, completion: 1000, slowdown: 1 };
for (const { key, values } of data.distributions) {
  const host = place(`${key}Distribution`);
  if (!host) continue;
  const all = values.flat().filter((value) => value > 0);
  if (all.length === 0) continue;
  const most = all.reduce((a, b) => Math.max(a, b));
  const slow = key === 'slowdown';
  const from = slow
    ? 1
    : Math.max(
        least.wait,
        all.reduce((a, b) => Math.min(a, b)),
      );
  const title = slow
    ? 'bounded slowdown (times)'
    : `${key === 'wait' ? 'wait' : 'time to completion'} (log scale)`;
  const axis = slow ? logFactorAxis(most, title) : logDurationAxis(from, most, title);
  lineChart(
    host,
    {
      lines: values.map((column, index) => ({
        index,
        x: column,
        y: column.length > 0 ? [...data.fractions] : [],
      })),
      x: () => axis,
      y: percentAxis(1, '% of jobs'),
      sayX: (value) => `up to ${slow ? inUnit(value, 'times') : duration(value)}`,
      sayY: (value) => inUnit(value, 'share'),
      byY: true,
    },
    legend,
  );
}

const demand = place('demand');
if (demand) {
  const most = Math.max(...data.demand.map(({ length }) => length)) - 1;
  lineChart(
    demand,
    {
      lines: data.demand.map((column, index) => ({
        index,
        x: column.map((_, percent) => percent),
        y: column.map((value) => value / 100),
      })),
      x: () => countAxis(most, `${what} asked for by arrived jobs (% of the cluster)`),
      y: percentAxis(1, `% of ${what}`),
      sayX: (value) => `${digits(value)} % asked for`,
      sayY: (value) => `${inUnit(value, 'share')} given`,
    },
    legend,
  );
}

for (const metric of data.intervals) {
  const host = place(`interval-${metric.key}`);
  if (host) intervalChart(host, metric, legend);
}

const tenants = place('tenants');
const chooseTenants = document.querySelector<HTMLSelectElement>('#tenant-metric');
if (tenants && chooseTenants) {
  const draw = tenantChart(tenants, tenantRows, legend);
  chooseTenants.addEventListener('change', draw);
}

function tenantRows(): TenantRows {
  const chosen = chooseTenants?.value ?? 'slowdown';
  const kinds: Record<string, Omit<TenantRows, 'rows'> & { of: 'slowdown' | 'wait' | 'finishTime' }> = {
    slowdown: { of: 'slowdown', unit: 'times', title: 'mean slowdown (times, lower is better)' },
    wait: { of: 'wait', unit: 'ms', title: 'mean wait' },
    finishTime: { of: 'finishTime', unit: 'times', title: 'finish-time fairness (below 1: sharing pays)' },
  };
  const { of, unit, title } = kinds[chosen] ?? kinds['slowdown']!;
  return { unit, title, rows: data.tenants.map((tenant) => ({ name: tenant.name, values: tenant[of] })) };
}

const time = place('time');
if (time) {
  partsChart(
    time,
    data.time,
    ['work that counts', 'starts and lost work', 'free, in unusable pieces', 'free'],
    legend,
  );
}

/** Lets people choose whose run is shown; draws the first. */
function chooser(
  select: HTMLSelectElement | null,
  shown: readonly { candidate: number; seed: number }[],
  draw: (index: number) => void,
): void {
  select?.replaceChildren(
    ...shown.map(({ candidate, seed }, index) =>
      element('option', { value: index }, `${data.candidates[candidate]!}, seed ${seed}`),
    ),
  );
  select?.addEventListener('change', () => draw(Number(select.value)));
}

/** The page has everything else: what fails here says so in its place. */
async function attempt(host: HTMLElement, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    host.replaceChildren(
      element('p', {}, `This picture cannot be drawn in this browser (${String(error)}).`),
    );
  }
}

const drawn: Promise<void>[] = [];
const heat = place('heat');
if (heat && data.heats.length > 0) {
  const show = heatMap(heat, data.heats, data.resource === 'gpu' ? 'its GPUs in use' : 'its cores in use');
  const select = document.querySelector<HTMLSelectElement>('#heat-run');
  const order = document.querySelector<HTMLSelectElement>('#heat-order');
  const draw = (): void => {
    drawn.push(attempt(heat, show(Number(select?.value ?? 0), order?.value === 'busiest')));
  };
  chooser(select, data.heats, draw);
  order?.addEventListener('change', draw);
  draw();
}
const gantt = place('gantt');
if (gantt && data.gantts.length > 0) {
  const show = ganttChart(gantt, data.gantts);
  const draw = (index: number): void => {
    drawn.push(attempt(gantt, show(index)));
  };
  chooser(document.querySelector<HTMLSelectElement>('#gantt-run'), data.gantts, draw);
  draw(0);
}

const copy = document.querySelector<HTMLButtonElement>('#copy');
copy?.addEventListener('click', () => {
  void navigator.clipboard?.writeText(document.getElementById('command')!.textContent).then(() => {
    copy.textContent = 'Copied';
  });
});

// For those who wait for the pictures (the screenshot test).
void Promise.all(drawn).then(() => (document.documentElement.dataset['drawn'] = 'true'));
