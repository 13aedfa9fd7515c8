/**
 * `coracle scheduler` beside an engine that schedules nothing of its own, over HTTPS, with the rights that
 * `coracle scheduler --print-rbac` prints and no others: the leader is killed in the middle of its work, again and again.
 *
 * CORACLE_SEED repeats a run; CORACLE_SCHEDULER_KILLS sets how often (2).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundledCommand } from './support/process-engine.ts';
import { command } from './support/command.ts';
import { killLeaders, schedulerBench, type SchedulerBench } from './support/scheduler-processes.ts';
import { until } from './support/until.ts';

const kills = Number(process.env['CORACLE_SCHEDULER_KILLS'] ?? 2);
const seed = Number(process.env['CORACLE_SEED'] ?? Date.now() % 1_000_000);

let bench: SchedulerBench;
let main: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coracle-scheduler-'));
  main = await bundledCommand('scheduler');
  bench = await schedulerBench(main, folder, kills + 1);
});
afterAll(async () => {
  await bench?.stop();
  await rm(folder, { recursive: true, force: true });
});

test(`a leader killed ${kills} times (seed ${seed}): each pod is bound once, no node holds too much, none is lost`, async () => {
  await killLeaders(bench, { kills, seed, pods: 60 * (kills + 1), gangs: 4 * (kills + 1) });
});

test('a leader that is asked to stop hands over at once', async () => {
  const { leader } = await bench.leading();
  await leader.stop();
  const next = await bench.leading(leader.identity);
  // Given back, and not left to run out.
  const { identity } = next.leader;
  await until('the lease is seen given back', () => bench.holders.at(-1) === identity);
  expect(bench.holders.slice(-3)).toEqual([leader.identity, '', identity]);
});

test('a leader that was frozen until its lease was over writes nothing when it goes on', async () => {
  const { leader } = await bench.leading();
  leader.child.kill('SIGSTOP');
  const next = await bench.leading(leader.identity);
  await bench.createPods(20);
  await bench.allBound();
  leader.child.kill('SIGCONT');
  await until('it knows that it has lost', () => leader.log().includes('has lost its lease'));
  expect((await bench.leading()).leader.identity).toBe(next.leader.identity);
  await until('it stands by', async () => (await fetch(`${leader.url}/readyz`)).status === 200);
  expect(await (await fetch(`${leader.url}/metrics`)).text()).toContain(
    'leader_election_master_status{name="coracle-scheduler"} 0',
  );
  expect(bench.moved).toEqual([]);
});

test("health and metrics have kube-scheduler's names", async () => {
  const { leader } = await bench.leading();
  await until('it is ready', async () => (await fetch(`${leader.url}/readyz`)).status === 200);
  expect(await (await fetch(`${leader.url}/healthz`)).text()).toBe('ok');
  await bench.createPods(3);
  await bench.allBound();
  const text = await until('the pods are counted', async () => {
    const metrics = await (await fetch(`${leader.url}/metrics`)).text();
    const [, count = '0'] =
      /^scheduler_schedule_attempts_total\{profile="coracle",result="scheduled"\} (\d+)$/m.exec(metrics) ??
      [];
    return Number(count) >= 3 && metrics;
  });
  for (const line of [
    'scheduler_pending_pods{queue="active"} 0',
    `scheduler_cache_size{type="nodes"} ${kills + 1}`,
    '# TYPE scheduler_pod_scheduling_sli_duration_seconds histogram',
    'leader_election_master_status{name="coracle-scheduler"} 1',
  ])
    expect(text).toContain(line);
  // All that this cluster has may be read with the rights that are printed.
  expect(leader.log()).not.toContain('Forbidden');
});

test('what is wrong is said in one line', async () => {
  const run = (...words: string[]) => command(process.execPath, [main, 'scheduler', '--port', '0', ...words]);
  const nobody = await bench.kubeconfigFor('nobody');
  const forbidden = await run('--kubeconfig', nobody);
  expect(forbidden.code).toBe(1);
  expect(forbidden.stderr).toMatch(
    /^coracle: this user may not: get, list, watch nodes;.*create pods\/binding;/,
  );
  expect(forbidden.stderr).toContain(
    'create, get, update leases.coordination.k8s.io in namespace kube-system',
  );

  const closed = join(folder, 'closed.yaml');
  await writeFile(
    closed,
    (await bench.kubeconfigText('nobody')).replace(bench.server, 'https://127.0.0.1:1'),
  );
  const refused = await run('--kubeconfig', closed);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('connection refused');

  const distrusting = join(folder, 'distrusting.yaml');
  await writeFile(
    distrusting,
    (await bench.kubeconfigText('nobody')).replace(/\n\s*certificate-authority-data: \S+/, ''),
  );
  const untrusted = await run('--kubeconfig', distrusting);
  expect(untrusted.code).toBe(1);
  expect(untrusted.stderr).toContain('is not trusted');
});
