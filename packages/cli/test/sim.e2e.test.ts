/** The bundle that users run: its worker threads, and Ctrl-C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../../../scripts/bundle.ts';

// Below the repository, so that its packages are found.
const folder = fileURLToPath(new URL('../../../node_modules/.cache/coracle-test/sim', import.meta.url));
beforeAll(() => bundle(folder));

const cwd = mkdtempSync(join(tmpdir(), 'sim-e2e-'));
const scenario = (jobs: number): string => `apiVersion: coracle.dev/v1alpha1
kind: Scenario
spec:
  cluster: { pools: [{ shape: t4x4, count: 5 }] }
  workload: { generate: { jobs: ${jobs}, sizes: [{ gpus: 1 }, { gpus: 2 }], arrivals: { load: 0.8, cards: 20 } } }
  seeds: 4
`;
writeFileSync(join(cwd, 'short.yaml'), scenario(200));
writeFileSync(join(cwd, 'long.yaml'), scenario(3_000_000));

function start(...words: string[]) {
  const child = spawn(process.execPath, [join(folder, 'coracle.mjs'), 'sim', ...words], { cwd });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  return { child, said, ended: once(child, 'exit') as Promise<[number | null]> };
}

test('the bundle runs a sweep on threads, the same for any number of them', async () => {
  const runs = await Promise.all(
    ['1', '3'].map(async (threads) => {
      const { said, ended } = start('short.yaml', '--threads', threads, '--json', '-', '--quiet');
      expect((await ended)[0], said.err).toBe(0);
      return said.out;
    }),
  );
  expect(runs[0]).toContain('"p95Wait"');
  expect(runs[1]).toBe(runs[0]);
});

test('Ctrl-C ends it at once, with nothing left behind', async () => {
  const { child, said, ended } = start('long.yaml', '--threads', '2');
  const progress = new Promise<void>((resolve) => {
    child.stderr.on('data', () => resolve());
  });
  await Promise.race([progress, ended]);
  child.kill('SIGINT');
  expect((await ended)[0], said.err).toBe(130);
});
