import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { htmlReport, ReportBuilder, type Report, type RunResult } from '@coracle/simulator';
import { generatedFile, pageScriptModule } from '../../page/build.ts';
import { numbers } from '../../page/unpack.ts';
import { packGantt, packHeats } from '../../src/report/html/pack.ts';
import type { PageData } from '../../src/report/html/page-data.ts';
import { synthetic } from './synthetic.ts';

test("the page's script is what page/build.ts makes", async () => {
  expect(readFileSync(generatedFile, 'utf8') === (await pageScriptModule())).toBe(true);
});

const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)><!--"'&`;

function evilReport(): Report {
  const builder = new ReportBuilder();
  const options = { jobs: 60, nodes: 3, tenants: [evil, `b${evil}`], cluster: evil, id: (): string => evil };
  builder.add({ ...synthetic({ ...options, seed: 1 }), unplaced: [{ why: evil, count: 2 }] }, evil);
  builder.add(synthetic({ ...options, ordering: 'sjf', seed: 1 }), `2${evil}`);
  return builder.report({
    title: evil,
    scenario: { text: evil, command: evil },
    findings: [evil],
    notes: [{ what: 'skipped', why: evil, count: 3, lines: [1] }],
  });
}

describe('the page', () => {
  const page = htmlReport(evilReport());

  test('holds nothing from outside as markup', () => {
    expect(['<img', '<!--', '<script>alert'].filter((text) => page.includes(text))).toEqual([]);
    // The data and the script, and no more.
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
  });

  test('needs nothing from elsewhere: no address, no style attribute, no event attribute', () => {
    const outside = [...page.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(outside).toEqual(['data:,']);
    expect(/@import|url\(/.test(page)).toBe(false);
    const tags = page.slice(0, page.indexOf('<script type')).replace(/"[^"]*"/g, '""');
    expect(tags.match(/<[a-z][^>]*\s(?:style|on[a-z]+)=/)).toBeNull();
  });

  test('lets only its own script and style work', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
      .exec(page)![1]!
      .replaceAll('&#39;', "'");
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src ${hash(/<script>([^]*?)<\/script>/.exec(page)![1]!)};`);
    expect(policy).toContain(`style-src ${hash(/<style>([^]*?)<\/style>/.exec(page)![1]!)};`);
    expect(policy).not.toContain('unsafe');
  });

  test('gives names back exactly as they were', () => {
    expect(dataOf(page).candidates).toEqual([evil, `2${evil}`]);
  });

  test('is the same to the byte for the same runs', () => {
    expect(htmlReport(evilReport()) === page).toBe(true);
  });

  test('has headings in order, a label for each picture, and a caption for each table', () => {
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    expect(levels[0]).toBe(1);
    expect(levels.every((level, index) => index === 0 || level <= levels[index - 1]! + 1)).toBe(true);
    expect(page.match(/<table/g)?.length).toBe(page.match(/<table aria-label="[^"]+"/g)?.length);
    for (const [plot] of page.matchAll(/<div class="plot"[^>]*>/g)) {
      // The heat map and the gantt chart label themselves.
      expect(plot).toMatch(/data-chart="(heat|gantt)"|aria-label="[^"]+"/);
    }
  });
});

function dataOf(page: string): PageData {
  return JSON.parse(
    /<script type="application\/json" id="data">([^]*?)<\/script>/.exec(page)![1]!,
  ) as PageData;
}

describe('what is large', () => {
  test('a month of 1,213 nodes with four policies stays under 3 MB', () => {
    const builder = new ReportBuilder();
    // Noise cannot be compressed: the worst there is.
    const base = synthetic({ jobs: 400, nodes: 20 });
    const count = 1213;
    for (const [seed, ordering] of ['fifo', 'srtf', 'easy', 'drf'].entries()) {
      builder.add(noisy({ ...base, ordering }, count, 200, 40_000, seed + 1));
    }
    const page = htmlReport(builder.report({ title: 'a month' }));
    expect(page.length).toBeLessThan(3_000_000);
    const data = dataOf(page);
    expect(data.heats).toHaveLength(4);
    expect(data.gantts).toHaveLength(4);
    expect(data.gantts.every(({ thinned }) => thinned)).toBe(true);
  });

  test('heat maps keep every percent where there is room for it', () => {
    const run = synthetic({ jobs: 100, nodes: 5, heatColumns: 20 });
    run.heat.percent[3] = 255;
    const [heat] = packHeats([{ candidate: 0, run }], 100_000);
    expect([...inflateRawSync(Buffer.from(heat!.data, 'base64'))]).toEqual([...run.heat.percent]);
    expect(JSON.parse(inflateRawSync(Buffer.from(heat!.names, 'base64')).toString())).toEqual(run.heat.nodes);
  });

  test('gantt charts come back as they were', () => {
    const run = synthetic({ jobs: 80, nodes: 4 });
    const packed = packGantt(0, run, 1000)!;
    const read = numbers(inflateRawSync(Buffer.from(packed.data, 'base64')));
    const jobs = JSON.parse(inflateRawSync(Buffer.from(packed.jobs, 'base64')).toString()) as [
      string,
      number,
    ][];
    const nodes = JSON.parse(inflateRawSync(Buffer.from(packed.nodes, 'base64')).toString()) as string[];
    const found: unknown[] = [];
    for (const node of nodes) {
      let start = 0;
      for (let left = read.next(); left > 0; left--) {
        start += read.next();
        const length = read.next();
        const [id] = jobs[read.next()]!;
        found.push([
          node,
          id,
          near(packed.fromMs + start * packed.unitMs),
          near(length * packed.unitMs),
          read.next(),
          read.next(),
        ]);
      }
    }
    expect(read.more()).toBe(false);
    const { gantt, heat } = run;
    const expected = Array.from(gantt.job, (job, index) => [
      heat.nodes[gantt.node[index]!],
      run.jobs.ids[job],
      near(gantt.fromMs[index]!),
      near(gantt.toMs[index]! - gantt.fromMs[index]!),
      gantt.gpuMilli[index],
      gantt.cpuMilli[index],
    ]);
    const key = (row: unknown): string => JSON.stringify(row);
    expect(found.map(key).sort()).toEqual(expected.map(key).sort());
  });

  test('any run makes a page: no jobs, one job, nothing ended', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.boolean(), (jobs, unfinished) => {
        const run = synthetic({ jobs, nodes: 2 });
        if (unfinished) {
          run.jobs.outcome.fill(0);
          run.jobs.startMs.fill(Number.NaN);
          run.jobs.endMs.fill(Number.NaN);
        }
        const builder = new ReportBuilder();
        builder.add(run);
        expect(htmlReport(builder.report({ title: 'few' })).endsWith('</html>\n')).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});

/** Times are kept to a small part of the chart. */
function near(ms: number): number {
  return Math.round(ms / 10_000);
}

function noisy(run: RunResult, nodes: number, columns: number, stretches: number, seed: number): RunResult {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const fill = (most: number): Float64Array =>
    Float64Array.from({ length: stretches }, () => Math.floor(next() * most));
  const fromMs = fill(30 * 86_400_000);
  return {
    ...run,
    heat: {
      nodes: Array.from({ length: nodes }, (_, index) => `openb-node-${index}`),
      fromMs: 0,
      stepMs: 12_960_000,
      columns,
      percent: Uint8Array.from({ length: nodes * columns }, () => Math.floor(next() * 101)),
    },
    gantt: {
      job: Uint32Array.from(fill(run.jobs.ids.length)),
      node: Uint32Array.from(fill(nodes)),
      fromMs,
      toMs: fromMs.map((from) => from + next() * 86_400_000),
      gpuMilli: fill(8000),
      cpuMilli: fill(64_000),
      left: 12,
    },
  };
}
