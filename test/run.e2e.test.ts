/** `coracle run` on an engine, as a user has it: what the output says, and the exit code. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Node } from '@coracle/machinery/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from './support/command.ts';
import type { Ran } from './support/command.ts';
import { bundledCommand, processEngine } from './support/process-engine.ts';
import type { ProcessEngine } from './support/process-engine.ts';

let folder: string;
let main: string;
let engine: ProcessEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-run-'));
  main = await bundledCommand('run');
  engine = await processEngine(main, join(folder, 'data'), ['--fake-gpus', '2', '--virtual-nodes', '3']);
});
afterAll(async () => {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const coracle = (...words: string[]): Promise<Ran> =>
  command(process.execPath, [main, '--kubeconfig', join(folder, 'data', 'kubeconfig'), ...words], {
    cwd: folder,
  });

describe('coracle run', () => {
  test('takes over the exit code of the worker that failed first, and ends the others', async () => {
    const ran = await coracle(
      'run',
      '--workers',
      '2',
      '--',
      'sh',
      '-c',
      'test $RANK = 0 || { echo bad; exit 3; }; sleep 100',
    );
    expect(ran.code).toBe(3);
    expect(ran.stdout).toContain('| bad\n');
    expect(ran.stderr).toMatch(/first failure: .*, exit code 3;/);
  });

  test('says at once that a command is not there', async () => {
    const ran = await coracle('run', '--', 'no-such-command');
    expect(ran.code).toBe(128);
    expect(ran.stderr).toContain('exec: "no-such-command": executable file not found in $PATH');
  });

  test('follows every job of a manifest, and fails if one of them does', async () => {
    const pod = (name: string, script: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'main', image: 'none', command: ['sh', '-c', script] }],
        },
      });
    const file = join(folder, 'pods.yaml');
    await writeFile(file, [pod('good', 'echo fine'), pod('bad', 'echo oh; exit 7')].join('\n---\n'));
    const ran = await coracle('run', file);
    expect(ran.code).toBe(7);
    expect(ran.stdout).toContain('good | fine\n');
    expect(ran.stdout).toContain('bad | oh\n');
  });

  test('says why a job is not placed; virtual nodes beside a real one are tainted', async () => {
    const nodes = await engine.client.list(Node);
    expect(
      nodes.items.filter((n) => n.spec?.taints?.some((t) => t.key === 'coracle.dev/virtual')),
    ).toHaveLength(3);
    const ran = await command(
      process.execPath,
      [main, '--kubeconfig', join(folder, 'data', 'kubeconfig'), 'run', '--gpus', '100', '--', 'true'],
      { cwd: folder, timeoutMs: 8000 },
    );
    expect(ran.stdout).toMatch(/: Unschedulable: .*nvidia\.com\/gpu/);
  });
});

describe('coracle up', () => {
  test('on a folder that has an engine names its process', async () => {
    const ran = await coracle('up', '--data', join(folder, 'data'), '--port', '0', '--no-kubeconfig-merge');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      `another engine (process ${engine.child.pid}) runs in ${join(folder, 'data')}`,
    );
    expect(ran.stderr.split('\n')).toHaveLength(2);
  });
});
