/** The page as a browser shows it: on a desk, on a phone, in the dark and printed, without a network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { htmlReport, ReportBuilder } from '@coracle/simulator';
import { Browser, findBrowser } from './browser.ts';
import { coloursOf, readPng } from './png.ts';
import { synthetic } from './synthetic.ts';

const path = findBrowser();
if (!path) console.log('The report page is not looked at: no chromium or chrome on PATH.');

describe.skipIf(!path)('the report page in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coracle-page-'));
    const builder = new ReportBuilder();
    for (const ordering of ['fifo', 'skip', 'sjf']) {
      for (let seed = 1; seed <= 3; seed++) {
        builder.add(
          synthetic({ ordering, seed, jobs: 300, nodes: 12, id: (index) => `</script><b>job ${index}` }),
          ordering === 'sjf'
            ? 'shortest first, under a name that is longer than any telephone is wide'
            : ordering,
        );
      }
    }
    const report = builder.report({
      title: 'Which order?',
      scenario: { command: 'coracle sim', text: 'seeds: 3' },
    });
    writeFileSync(join(folder, 'report.html'), htmlReport(report));
    url = `file://${join(folder, 'report.html')}`;
    browser = await Browser.start(path!);
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    { name: 'on a desk', view: { width: 1280 } },
    { name: 'on a phone', view: { width: 375, height: 800 } },
    { name: 'in the dark', view: { width: 900, dark: true } },
  ])(
    '$name: every picture is drawn, nothing is wider than the screen, nothing is complained of',
    async ({ view }) => {
      await browser.open(url, view);
      expect(await browser.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(view.width);
      const empty = await browser.evaluate<
        string[]
      >(`[...document.querySelectorAll('[data-chart]')].filter((plot) => {
        const lines = plot.querySelectorAll('path, circle, rect').length;
      const canvas = plot.querySelector('canvas');
      return lines === 0 && !(canvas && canvas.width > 100 && canvas.height > 100);
    }).map((plot) => plot.dataset.chart)`);
      expect(empty).toEqual([]);
      expect(await browser.evaluate('document.querySelectorAll("[data-chart]").length')).toBeGreaterThan(12);
      // What is painted: of the whole page on a phone, else of what is seen.
      await browser.evaluate(`document.querySelector('[data-chart=allocation]').scrollIntoView()`);
      const picture = readPng(await browser.screenshot(view.width < 500));
      expect(picture.width).toBeLessThanOrEqual(view.width);
      expect(coloursOf(picture)).toBeGreaterThan(50);
      expect(browser.complaints).toEqual([]);
      expect(
        [...new Set(browser.requests)].filter((address) => address !== url && address !== 'data:,'),
      ).toEqual([]);
    },
  );

  test('the canvases have many colours, not one', async () => {
    await browser.open(url, { width: 1280 });
    for (const chart of ['heat', 'gantt']) {
      const colours = await browser.evaluate<number>(`(() => {
        const canvas = document.querySelector('[data-chart=${chart}] canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      })()`);
      expect(colours, chart).toBeGreaterThan(8);
    }
  });

  test('a pointer over a chart and keys tell values; a button hides a candidate', async () => {
    await browser.open(url, { width: 1280 });
    const tip = (chart: string): Promise<string> =>
      browser.evaluate(`document.querySelector('[data-chart=${chart}] > .tip').innerText`);
    await browser.evaluate(
      `document.querySelector('[data-chart=allocation]').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))`,
    );
    expect(await tip('allocation')).toMatch(/^after .*\n.*fifo: [\d.]+ %/);
    await browser.evaluate(`document.querySelector('#legend button').click()`);
    await browser.evaluate(
      `document.querySelector('[data-chart=allocation]').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft' }))`,
    );
    expect(await tip('allocation')).not.toContain('fifo');
    await browser.evaluate(
      `document.querySelector('[data-chart=heat] canvas').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))`,
    );
    expect(await tip('heat')).toMatch(/^node-0001\n\d+ % of its GPUs in use\n/);
    const box = await browser.evaluate<{ x: number; y: number }>(`(() => {
      const canvas = document.querySelector('[data-chart=gantt] canvas');
      canvas.scrollIntoView({ block: 'center' });
      const { left, top } = canvas.getBoundingClientRect();
      return { x: left + 260, y: top + 22 };
    })()`);
    await browser.move(box.x, box.y);
    await browser.until(`!document.querySelector('[data-chart=gantt] > .tip').hidden`);
    expect(await tip('gantt')).toMatch(/^<\/script><b>job \d+\n(vision|speech|recsys) on node-0000\nfrom /);
  });

  test('printed on paper it is light and whole', async () => {
    await browser.open(url, { width: 1280, dark: true });
    const pdf = await browser.pdf();
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    // Nothing is cut off at the end: pages are counted before pictures could grow.
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length).toBeGreaterThan(5);
    await browser.look({ width: 800, dark: true, print: true });
    expect(await browser.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
      'rgb(255, 255, 255)',
    );
    expect(await browser.evaluate(`getComputedStyle(document.querySelector('.controls')).display`)).toBe(
      'none',
    );
    expect(browser.complaints).toEqual([]);
  });
});
