/**
 * kill -9 of the whole engine at random moments, many times over: no acknowledged write is lost, Jobs go on after each restart
 * (running processes are found again, or their pods fail and are tried again), and in the end no process of theirs is left.
 *
 * CORACLE_KILLS sets how often (200); CORACLE_SEED repeats a run.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '@coracle/machinery';
import { ConfigMap, Job, Pod } from '@coracle/machinery/api';
import { ApiError } from '@coracle/machinery';
import { ConnectionError } from '@coracle/client';
import type { Client } from '@coracle/client';
import { bundledCommand, processEngine } from './support/process-engine.ts';
import type { ProcessEngine } from './support/process-engine.ts';
import { until } from './support/until.ts';

const kills = Number(process.env['CORACLE_KILLS'] ?? 200);
const seed = Number(process.env['CORACLE_SEED'] ?? Date.now() % 1_000_000);
const marker = `coracle-kill-test-${process.pid}-${seed}`;

const generator = (seed: number): (() => number) => seededRandom(`kill ${seed}`);

/** What the server has acknowledged: name -> value, or undefined for a deleted one. */
type Acknowledged = Map<string, string | undefined>;

/** Writes until the engine dies. What was in flight then may or may not have happened: it is set aside. */
async function writer(
  client: Client,
  id: number,
  known: Acknowledged,
  unsure: Set<string>,
  random: () => number,
): Promise<void> {
  for (let i = 0; ; i += 1) {
    const name = `w${id}-${Math.floor(random() * 20)}`;
    const value = `${id}.${i}.${random()}`;
    const before = known.get(name);
    unsure.add(name);
    try {
      const body = { metadata: { name, namespace: 'default' }, data: { value } };
      if (before === undefined) await client.create(ConfigMap, body, { namespace: 'default' });
      else if (random() < 0.2) {
        await client.delete(ConfigMap, name, { namespace: 'default' });
        known.set(name, undefined);
        unsure.delete(name);
        continue;
      } else await client.patch(ConfigMap, name, 'merge', { data: { value } }, { namespace: 'default' });
      known.set(name, value);
      unsure.delete(name);
    } catch (error) {
      if (error instanceof ApiError && error.code < 500) throw error;
      if (error instanceof ApiError || error instanceof ConnectionError) return;
      throw error;
    }
  }
}

async function processesOfTest(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(marker)) found.push(pid);
  }
  return found;
}

test(
  `${kills} times kill -9 (seed ${seed}): nothing acknowledged is lost, jobs go on, no process is left`,
  { timeout: 1_200_000 },
  async () => {
    const random = generator(seed);
    const main = await bundledCommand('kill');
    const folder = await mkdtemp(join(tmpdir(), 'coracle-kill-'));
    const known: Acknowledged = new Map();
    const unsure = new Set<string>();
    const jobs: string[] = [];
    let engine: ProcessEngine | undefined;
    try {
      for (let round = 0; round <= kills; round += 1) {
        engine = await processEngine(main, folder);
        const { client } = engine;
        // Everything acknowledged is there, as it was acknowledged.
        const list = await client.list(ConfigMap, { namespace: 'default' });
        const there = new Map(list.items.map((item) => [item.metadata.name, item.data?.['value']]));
        for (const [name, value] of known) {
          if (!unsure.has(name)) expect(there.get(name), `round ${round}, ${name}`).toBe(value);
        }
        // What was in flight has been decided now.
        for (const name of unsure) known.set(name, there.get(name));
        unsure.clear();
        if (round === kills) break;
        if (round % 10 === 0) {
          const name = `job-${round}`;
          jobs.push(name);
          await client.create(
            Job,
            {
              metadata: { name, namespace: 'default' },
              spec: {
                completions: 3,
                parallelism: 3,
                backoffLimit: 100,
                template: {
                  spec: {
                    restartPolicy: 'Never',
                    containers: [
                      {
                        name: 'main',
                        image: 'none',
                        command: ['sh', '-c', 'sleep 1.5 & wait'],
                        env: [{ name: 'MARKER', value: marker }],
                      },
                    ],
                  },
                },
              },
            },
            { namespace: 'default' },
          );
        }
        const writers = [0, 1, 2, 3].map((id) => writer(client, id, known, unsure, random));
        // Mostly in the middle of starting up; now and then there is time for pods to start and end.
        await sleep(random() < 0.15 ? 1000 + random() * 1500 : random() * 300);
        await engine.kill();
        await Promise.all(writers);
      }
      if (!engine) return;
      const { client } = engine;
      for (const name of jobs) {
        await until(
          `Job ${name} completes`,
          async () => {
            const job = await client.get(Job, name, { namespace: 'default' });
            return job.status?.conditions?.some((c) => c.type === 'Complete' && c.status === 'True');
          },
          180_000,
        );
      }
      for (const name of jobs)
        await client.delete(Job, name, { namespace: 'default', propagationPolicy: 'Background' });
      await until('all pods are gone', async () => {
        const pods = await client.list(Pod, { namespace: 'default' });
        return pods.items.length === 0;
      });
      if (process.platform === 'linux') {
        await until(
          'no process of the jobs is left',
          async () => (await processesOfTest()).length === 0,
          10_000,
        );
      }
      await engine.stop();
    } finally {
      if (engine && engine.child.exitCode === null) await engine.kill();
      await rm(folder, { recursive: true, force: true });
    }
  },
);
