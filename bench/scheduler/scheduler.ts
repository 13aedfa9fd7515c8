/** Pods a second through the live API for every kind of pod, each in an engine of its own; then the core alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { cases, type Case } from './cases.ts';
import type { CaseResult } from './run-case.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `only`: names of cases; empty: all, and the core. */
export async function scheduler(only: readonly string[] = []): Promise<void> {
  const known = [...cases.map(({ name }) => name), 'core'];
  const wrong = only.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`no case "${wrong}" of scheduler; there are: ${known.join(', ')}`);
  const wanted = (name: string): boolean => only.length === 0 || only.includes(name);
  console.log(`  ${'case'.padEnd(18)} ${'pods/s'.padStart(7)} ${'target'.padStart(7)}   what`);
  for (const one of cases) if (wanted(one.name)) await run(one);
  if (wanted('core')) {
    console.log('\n  the core alone');
    const child = spawn(process.execPath, [here('../../packages/scheduler/bench/core.ts'), '5000'], {
      stdio: 'inherit',
    });
    await once(child, 'exit');
  }
}

async function run(one: Case): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--disable-warning=ExperimentalWarning', here('run-case.ts'), one.name],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const line = output.trim().split('\n').at(-1);
  if (code !== 0 || !line) {
    console.log(`  ${one.name.padEnd(18)} ${'failed'.padStart(7)}`);
    process.exitCode = 1;
    return;
  }
  const result = JSON.parse(line) as CaseResult;
  const target = one.target === undefined ? '' : one.target.toLocaleString('en-US');
  const running =
    result.runningMs === undefined ? '' : `all running after ${(result.runningMs / 1000).toFixed(2)} s, `;
  const rate = Math.round(result.podsPerSecond).toLocaleString('en-US');
  console.log(
    `  ${one.name.padEnd(18)} ${rate.padStart(7)} ${target.padStart(7)}   ${one.what}; ${one.nodes.toLocaleString('en-US')} nodes` +
      ` (${(result.ms / 1000).toFixed(2)} s, ${running}${result.cpuMsPerPod.toFixed(2)} ms CPU a pod, event loop p99 ${result.loopP99Ms.toFixed(0)} max ${result.loopMaxMs.toFixed(0)} ms, ${Math.round(result.residentMiB)} MiB)`,
  );
}
