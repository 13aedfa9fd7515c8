/** The parts of the page, as HTML, from the answer down. */
import { averagedShares } from '../averaged-shares.ts';
import { goalOf, headlineOf } from '../headline.ts';
import { aboutOf, metricOf } from '../metrics.ts';
import { estimateOf, seedsOf, type Report } from '../report.ts';
import { duration, inUnit } from '../units.ts';
import { escape, figure, more, table } from './markup.ts';
import type { PageData, PageInterval } from './page-data.ts';
import { differences, scoreboard } from './scoreboard.ts';
import { distributionTable, longestWaits, seriesTable, tenantTables } from './tables.ts';

export function answer(report: Report): string {
  const { answer, gains, costs, others, sure } = headlineOf(report);
  const trade = (word: string, kind: string, texts: readonly string[]): string =>
    texts.length === 0 ? '' : `<li><b class="${kind}">${word}</b> ${escape(texts.join('; '))}.</li>`;
  const trades =
    trade('Better too:', 'gain', gains) +
    trade('At a cost:', 'cost', costs) +
    trade('Ahead in other things:', 'other', others);
  return `<header><h1>${escape(report.title)}</h1>
<p class="answer">${escape(answer)}</p>
${findings(report)}
${trades ? `<ul class="trade">${trades}</ul>` : ''}<p class="sure">${escape(sure)}</p>
${facts(report)}</header>`;
}

/** One is the answer; several are a list. */
function findings({ findings }: Report): string {
  if (findings.length === 1) return `<p class="answer">${escape(findings[0]!)}</p>`;
  if (findings.length === 0) return '';
  return `<ul class="plain findings">${findings.map((finding) => `<li>${escape(finding)}</li>`).join('')}</ul>`;
}

function facts(report: Report): string {
  const runs = report.candidates.map(({ runs }) => runs[0]!);
  const all = (values: readonly string[]): string => [...new Set(values)].join(', ');
  const few = (values: readonly string[]): string => {
    const [first = '', ...others] = new Set(values);
    return others.length < 2 ? all(values) : `${first} and ${others.length} others`;
  };
  const range = (values: readonly number[], text: (value: number) => string): string =>
    all([text(Math.min(...values)), text(Math.max(...values))].toSorted()).replace(', ', ' to ');
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  const jobs = report.candidates.map((candidate) => estimateOf(candidate, 'jobs').mean);
  const nodes = report.candidates.map((candidate) => estimateOf(candidate, 'nodes').mean);
  const seeds = seedsOf(report);
  const list: readonly (readonly [string, string])[] = [
    ['Cluster', [...new Set(runs.map(({ cluster }) => cluster))].join('; ')],
    ['Nodes up (mean)', range(nodes, count)],
    ['Work', few(report.candidates.flatMap((candidate) => candidate.runs.map(({ workload }) => workload)))],
    ['Jobs', range(jobs, count)],
    [
      'Simulated time',
      duration(Math.max(...report.candidates.flatMap(({ runs }) => runs.map(({ endMs }) => endMs)))),
    ],
    ['Placement', all(runs.map(({ placement }) => placement))],
    ['Order', all(runs.map(({ ordering }) => ordering))],
    ['Seeds', seeds.length > 6 ? `${seeds.length}, from ${seeds[0]!} to ${seeds.at(-1)!}` : seeds.join(', ')],
  ];
  return `<dl class="facts">${list.map(([name, value]) => `<div><dt>${name}</dt><dd>${escape(value)}</dd></div>`).join('')}</dl>`;
}

const askedFirst = [
  'p95Wait',
  'meanCompletion',
  'meanSlowdown',
  'allocation',
  'goodput',
  'worstFinishTime',
  'p99Wait',
  'fragmentation',
] as const;

/** The metrics that differ, those that people ask about first; the table has all. */
function chosen(report: Report, data: PageData): PageInterval[] {
  const first: readonly string[] = [goalOf(report).key, ...askedFirst];
  return data.intervals
    .filter(({ key, values }) => first.includes(key) && new Set(values.map(({ mean }) => mean)).size > 1)
    .sort((a, b) => first.indexOf(a.key) - first.indexOf(b.key))
    .slice(0, 6);
}

export function sideBySide(report: Report, data: PageData): string {
  const several = report.candidates.length > 1;
  const charts = several
    ? chosen(report, data).map(({ key, label, better }) =>
        figure({
          chart: `interval-${key}`,
          title: label,
          about: `${aboutOf(metricOf(key), data.resource)} ${better === 'low' ? 'Lower' : 'Higher'} is better.`,
          label: `${label}: ${report.candidates.map((candidate) => `${candidate.name} ${inUnit(estimateOf(candidate, key).mean, metricOf(key).unit)}`).join(', ')}`,
        }),
      )
    : [];
  return `<section aria-labelledby="side"><h2 id="side">${several ? 'Side by side' : 'Figures'}</h2>
${scoreboard(report, false)}
${more('All metrics', scoreboard(report, true))}
${several ? more(`Differences from ${report.candidates[0]!.name}`, differences(report)) : ''}
${charts.length > 0 ? `<div class="grid2">${charts.join('')}</div>` : ''}</section>`;
}

const seriesFigures = [
  ['allocation', 'Allocation', 'Given to jobs.', 'allocation'],
  [
    'utilisation',
    'Utilisation',
    'Doing work that counts in the end: without starts and work lost later.',
    'utilisation',
  ],
  ['fragmentation', 'Fragmentation', 'Free, but in pieces that no popular request can use.', 'fragmentation'],
  ['jobsWaiting', 'Queue length', 'Jobs waiting.', 'meanQueue'],
  ['demandWaiting', 'Demand waiting', 'What waiting jobs ask for, against the whole cluster.', undefined],
  ['jobsRunning', 'Jobs running', 'Jobs that hold their places.', undefined],
] as const;

export function overTime(report: Report, data: PageData): string {
  const grid = averagedShares(report.candidates);
  const seeds = seedsOf(report).length;
  const figures = seriesFigures
    .filter(([key]) => data.series.some((series) => series.key === key))
    .map(([key, title, about, metric]) =>
      figure({
        chart: key,
        title,
        about: seeds > 1 ? `${about} Mean over ${seeds} seeds.` : about,
        label: `${title} over time${metric ? `: mean ${report.candidates.map((candidate) => `${candidate.name} ${inUnit(estimateOf(candidate, metric).mean, metricOf(metric).unit)}`).join(', ')}` : ''}. Arrow keys read values.`,
        table: seriesTable(report, grid, key, title),
      }),
    );
  return `<section aria-labelledby="time"><h2 id="time">Over time</h2><div class="grid2">${figures.join('')}</div></section>`;
}

const distributionFigures = [
  ['wait', 'How long jobs wait', 'Share of the jobs that wait no longer than this.'],
  ['completion', 'How long jobs take to complete', 'From submission to the end.'],
  ['slowdown', 'Slowdown', 'Completion against the time alone; jobs under 10 s count as 10 s.'],
] as const;

export function distributions(report: Report, data: PageData): string {
  const figures = distributionFigures
    .filter(([key]) =>
      data.distributions.some(
        (one) => one.key === key && one.values.some((values) => values.some((value) => value > 0)),
      ),
    )
    .map(([key, title, about]) =>
      figure({
        chart: `${key}Distribution`,
        title,
        about: `${about} Further left and higher is better.`,
        label: `${title}, cumulative distribution. Arrow keys read values.`,
        table: distributionTable(report, key, title),
      }),
    );
  if (figures.length === 0) return '';
  return `<section aria-labelledby="spread"><h2 id="spread">How jobs fare</h2><div class="grid2">${figures.join('')}</div></section>`;
}

export function cards(report: Report, data: PageData): string {
  const figures: string[] = [];
  if (data.time.length > 0) {
    const gpu = data.resource === 'gpu';
    const what = gpu ? 'GPU' : 'core';
    const all = ['work that counts', 'starts and lost work', 'free, in unusable pieces', 'free'];
    // Cores have no such pieces.
    const told = [0, 1, 2, 3].filter((part) => gpu || part !== 2);
    const names = told.map((part) => all[part]!);
    figures.push(
      figure({
        chart: 'time',
        whole: true,
        title: `Where ${what} time goes (% of all ${what} time)`,
        about: 'Goodput is the part of the held time that is work that counts.',
        label: `Where ${what} time goes, parts of the whole; the table below has the figures.`,
        controls: `<div class="keys">${told.map((part) => `<span><i class="chip q${part}"></i>${all[part]!}</span>`).join('')}</div>`,
        table: table(
          `Parts of all ${what} time`,
          ['', ...names, 'goodput'],
          report.candidates.map((candidate, index) => [
            candidate.name,
            ...told.map((part) => inUnit(data.time[index]![part]!, 'share')),
            inUnit(estimateOf(candidate, 'goodput').mean, 'share'),
          ]),
        ),
      }),
    );
  }
  if (data.demand.some((curve) => curve.length > 0)) {
    figures.push(
      figure({
        chart: 'demand',
        title: 'Allocation against demand',
        about: 'How much of the cluster is given out once so much has been asked for.',
        label: 'Allocation against demand. Arrow keys read values.',
        table: table(
          'Allocated percent by arrived demand',
          ['asked for', ...report.candidates.map(({ name }) => name)],
          Array.from({ length: 14 }, (_, index) => index * 10).map((percent) => [
            `${percent} %`,
            ...data.demand.map((curve) =>
              curve[percent] === undefined ? '–' : `${curve[percent].toFixed(1)} %`,
            ),
          ]),
        ),
      }),
    );
  }
  return figures.length === 0
    ? ''
    : `<section aria-labelledby="cards"><h2 id="cards">Use of the ${data.resource === 'gpu' ? 'GPUs' : 'cores'}</h2><div class="grid2">${figures.join('')}</div></section>`;
}

export function tenants(report: Report, data: PageData): string {
  if (data.tenants.length < 2) return '';
  const total = Math.max(...report.candidates.map(({ runs }) => runs[0]!.tenants.length));
  const picture = figure({
    chart: 'tenants',
    title:
      total > data.tenants.length
        ? `The ${data.tenants.length} tenants with most work, of ${total}`
        : 'Tenants, those with most work first',
    about: `Dots close together in a column of one colour: all tenants fare alike. Jain's index: ${report.candidates
      .map((candidate) => `${candidate.name} ${inUnit(estimateOf(candidate, 'fairness').mean, 'index')}`)
      .join(', ')} (1 is even).`,
    label: 'What tenants get; the tables below have the figures.',
    controls: `<div class="controls"><label>Show <select id="tenant-metric"><option value="slowdown">mean slowdown</option><option value="wait">mean wait</option><option value="finishTime">finish-time fairness</option></select></label></div>`,
    whole: true,
    table: tenantTables(report, 50),
  });
  return `<section aria-labelledby="fair"><h2 id="fair">Fairness by tenant</h2><div class="stack">${picture}</div></section>`;
}

export function nodesAndJobs(report: Report, data: PageData): string {
  const heat =
    data.heats.length === 0
      ? ''
      : figure({
          chart: 'heat',
          title: 'Nodes over time',
          about: `How much of each node's ${data.resource === 'gpu' ? 'GPUs' : 'cores'} is in use.`,
          label: '',
          own: true,
          whole: true,
          controls: `<div class="controls"><label>Run <select id="heat-run"></select></label><label>Order <select id="heat-order"><option value="name">as in the cluster</option><option value="busiest">busiest first</option></select></label></div><div class="scale"><span>0 %<i class="ramp"></i>100 % in use</span><span>blank: the node is not there</span></div>`,
        });
  const left = report.candidates.flatMap(({ name, detail }) =>
    detail && detail.gantt.left > 0 ? [`${name}: ${detail.gantt.left.toLocaleString('en-US')}`] : [],
  );
  const gantt =
    data.gantts.length === 0
      ? ''
      : figure({
          chart: 'gantt',
          title: 'Jobs on nodes',
          about: `Each bar is a job on a node, as high as its part of the node; ${data.gantts.some(({ tenants }) => tenants.length > 1) ? 'colours are tenants' : 'colours tell jobs apart'}.${data.gantts.some(({ thinned }) => thinned) ? ' Some of the nodes are shown.' : ''}${left.length > 0 ? ` Left out, for there are too many: stretches of some jobs (${left.join('; ')}).` : ''}`,
          label: '',
          own: true,
          whole: true,
          controls:
            '<div class="controls"><label>Run <select id="gantt-run"></select></label><span class="hint">Scroll to move, + and − to zoom.</span></div>',
        });
  const longest = longestWaits(report);
  if (!heat && !gantt && !longest) return '';
  return `<section aria-labelledby="where"><h2 id="where">Nodes and jobs</h2><div class="stack">${heat}${gantt}</div>${longest}</section>`;
}

export function remarks(report: Report): string {
  const reasons = report.candidates.flatMap(({ name, runs }) =>
    runs[0]!.unplaced.map(({ why, count }) => [name, count.toLocaleString('en-US'), why]),
  );
  const unplaced =
    reasons.length === 0
      ? ''
      : `<h2>Why jobs still wait at the end</h2>${table(`In the scheduler's words, seed ${report.candidates[0]!.runs[0]!.seed}`, ['', 'jobs', 'why'], reasons.slice(0, 60))}`;
  const notes =
    report.notes.length === 0
      ? ''
      : `<h2>Odd rows of the input</h2><ul class="plain">${report.notes
          .map(
            ({ what, why, count, lines }) =>
              `<li>${count.toLocaleString('en-US')} ${what}: ${escape(why)}${lines.length > 0 ? ` (line${lines.length > 1 ? 's' : ''} ${lines.join(', ')}${count > lines.length ? ', …' : ''})` : ''}</li>`,
          )
          .join('')}</ul>`;
  const known =
    (report.remarks ?? []).length === 0
      ? ''
      : `<h2>Notes</h2><ul class="plain">${report.remarks!.map((remark) => `<li>${escape(remark)}</li>`).join('')}</ul>`;
  return unplaced || notes || known ? `<section>${known}${unplaced}${notes}</section>` : '';
}

export function again(report: Report): string {
  if (!report.scenario) return '';
  const { command, text } = report.scenario;
  return `<section aria-labelledby="again"><h2 id="again">Run it again</h2>
<p>Save the scenario below as scenario.yaml where the files it names are found. The same scenario and seeds (${escape(seedsOf(report).join(', '))}) give the same figures to the last digit.</p>
<div class="command"><pre id="command">${escape(command)}</pre><button type="button" id="copy">Copy</button></div>
${text ? `<details open><summary>The scenario</summary><pre tabindex="0">${escape(text)}</pre></details>` : ''}</section>`;
}
