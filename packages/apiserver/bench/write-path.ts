/**
 * What one write costs the main thread, in process, with no controllers or watchers: microseconds of processor time to create
 * a pod, bind it, create its Scheduled event, write its status, mark it as a victim of preemption and delete it at once, each as
 * the engine's own parts do it, and which steps of the pipeline they go to (from a CPU profile). Over a store in memory; `--durable` adds the journal, `--rounds N` repeats.
 *
 *     node packages/apiserver/bench/write-path.ts [pods] [--durable] [--rounds N] [--functions]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore, openStore } from '@coracle/store';
import type { Credentials } from '@coracle/machinery';
import { testServer } from '../src/testing.ts';
import { samplesByFunction, stageOf, type Sampled } from './stages.ts';

const args = process.argv.slice(2);
const pods = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 3000);
const rounds = args.includes('--rounds') ? Number(args[args.indexOf('--rounds') + 1]) : 1;
const parallel = 64;
const folder = args.includes('--durable') ? mkdtempSync(join(tmpdir(), 'coracle-bench-')) : undefined;
const t = await testServer({ store: folder ? await openStore({ path: folder }) : memoryStore() });

const trusted = (username: string, ...groups: string[]): Credentials => ({
  kind: 'trusted',
  user: { username, groups: [...groups, 'system:authenticated'] },
});
const controller = trusted(
  'system:serviceaccount:kube-system:job-controller',
  'system:serviceaccounts',
  'system:serviceaccounts:kube-system',
);
const scheduler = trusted('system:kube-scheduler');
const nodes = trusted('system:coracle:virtual-nodes', 'system:masters');
const never = new AbortController().signal;

async function send(
  method: string,
  path: string,
  credentials: Credentials,
  value: unknown,
  type = 'application/json',
): Promise<{ metadata: { uid: string; name: string } }> {
  const response = await t.handler({
    method,
    path,
    query: new URLSearchParams(),
    headers: { 'user-agent': 'coracle', accept: 'application/json', 'content-type': type },
    credentials,
    body: { value },
    want: 'values',
    signal: never,
  });
  if (response.kind !== 'object' || response.code >= 300) throw new Error(JSON.stringify(response));
  return response.value as { metadata: { uid: string; name: string } };
}

const podsPath = '/api/v1/namespaces/default/pods';
const pod = (name: string): object => ({
  metadata: { name, namespace: 'default', annotations: { 'coracle.dev/run-seconds': '3600' } },
  spec: {
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'main', image: 'none', resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
  },
});
const running = (uid: string): object => {
  const at = '2026-01-02T03:04:05Z';
  const ready = (type: string): object => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: at,
    observedGeneration: 1,
  });
  return {
    metadata: { uid },
    status: {
      observedGeneration: 1,
      phase: 'Running',
      conditions: [
        'PodReadyToStartContainers',
        'Initialized',
        'Ready',
        'ContainersReady',
        'PodScheduled',
      ].map(ready),
      hostIP: '10.0.0.7',
      hostIPs: [{ ip: '10.0.0.7' }],
      podIP: '10.1.2.3',
      podIPs: [{ ip: '10.1.2.3' }],
      startTime: at,
      qosClass: 'Burstable',
      containerStatuses: [
        {
          name: 'main',
          image: 'none',
          imageID: 'none',
          containerID: `virtual://${uid}/main/0`,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: at } },
          lastState: {},
        },
      ],
    },
  };
};
const disruption = (uid: string): object => ({
  metadata: { uid },
  status: {
    conditions: [
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
        lastTransitionTime: '2026-01-02T03:04:05Z',
        observedGeneration: 1,
      },
    ],
  },
});
const scheduled = (name: string, uid: string, i: number): object => ({
  metadata: { name: `${name}.${(0x18b0_0000_0000_0000n + BigInt(i)).toString(16)}`, namespace: 'default' },
  involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace: 'default', uid, resourceVersion: '7' },
  reason: 'Scheduled',
  message: `Successfully assigned default/${name} to node-7`,
  type: 'Normal',
  count: 1,
  firstTimestamp: '2026-01-02T03:04:05Z',
  lastTimestamp: '2026-01-02T03:04:05Z',
  source: { component: 'default-scheduler' },
  reportingComponent: 'default-scheduler',
  reportingInstance: '',
});

/**
 * Microseconds of a fixed piece of work now: other load on the machine slows it as it does the rest, so the figures are also
 * given as multiples of it, which compare between runs.
 */
function yardstick(): number {
  const object = { metadata: { uid: 'u', name: 'pod' }, ...running('u'), ...pod('pod') };
  const before = process.threadCpuUsage();
  const count = 400;
  for (let i = 0; i < count; i++) JSON.parse(JSON.stringify(object));
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / count;
}

const profiler = new Session();
profiler.connect();
await profiler.post('Profiler.enable');
await profiler.post('Profiler.setSamplingInterval', { interval: 200 });
/** The figures are taken without the profiler, which costs something itself, the split with it. */
let profiling = false;

interface Measured {
  micros: number;
  /** As a multiple of the yardstick. */
  ratio: number;
  samples: Sampled[];
}

/** Calls in one slice. */
const slice = 200;
/** One of the lowest: other work on the machine only ever adds, and the lowest of all is luck. */
const low = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 3] ?? 0;

/**
 * Processor time of this thread for one call of `job`, and where it went. In slices between yardsticks, of which one of the
 * fastest counts: other work on the machine slows the others.
 */
async function measure(count: number, job: (i: number) => Promise<unknown>): Promise<Measured> {
  const micros: number[] = [];
  const ratios: number[] = [];
  const profiles: Sampled[] = [];
  let next = 0;
  while (next < count) {
    const last = Math.min(count, next + (profiling ? count : slice));
    const calls = last - next;
    const yardBefore = yardstick();
    if (profiling) await profiler.post('Profiler.start');
    const before = process.threadCpuUsage();
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        while (next < last) await job(next++);
      }),
    );
    const { user, system } = process.threadCpuUsage(before);
    if (profiling) profiles.push(...samplesByFunction((await profiler.post('Profiler.stop')).profile));
    micros.push((user + system) / calls);
    ratios.push((user + system) / calls / ((yardBefore + yardstick()) / 2));
  }
  return { micros: low(micros), ratio: low(ratios), samples: profiles };
}

async function round(name: string, count: number): Promise<Record<string, Measured>> {
  const uids: string[] = [];
  const result: Record<string, Measured> = {};
  result['create pod'] = await measure(count, async (i) => {
    uids[i] = (await send('POST', podsPath, controller, pod(`${name}-${i}`))).metadata.uid;
  });
  result['bind pod'] = await measure(count, (i) =>
    send('POST', `${podsPath}/${name}-${i}/binding`, scheduler, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: `${name}-${i}`, namespace: 'default', uid: uids[i] },
      target: { apiVersion: 'v1', kind: 'Node', name: 'node-7' },
    }),
  );
  result['create event'] = await measure(count, (i) =>
    send('POST', '/api/v1/namespaces/default/events', scheduler, scheduled(`${name}-${i}`, uids[i] ?? '', i)),
  );
  result['patch status'] = await measure(count, (i) =>
    send(
      'PATCH',
      `${podsPath}/${name}-${i}/status`,
      nodes,
      running(uids[i] ?? ''),
      'application/merge-patch+json',
    ),
  );
  result['mark victim'] = await measure(count, (i) =>
    send(
      'PATCH',
      `${podsPath}/${name}-${i}/status`,
      scheduler,
      disruption(uids[i] ?? ''),
      'application/merge-patch+json',
    ),
  );
  result['delete pod'] = await measure(count, (i) =>
    send('DELETE', `${podsPath}/${name}-${i}`, scheduler, {
      gracePeriodSeconds: 0,
      preconditions: { uid: uids[i] },
    }),
  );
  return result;
}

await round('warm', Math.min(pods, 1500));
for (let i = 0; i < rounds; i++) {
  profiling = false;
  const plain = await round(`plain${i}`, pods);
  profiling = true;
  const profiled = await round(`profiled${i}`, pods);
  console.log(`us of the main thread for each of ${pods} (x: to JSON and back of one pod):`);
  let sum = 0;
  let relative = 0;
  for (const [what, { micros, ratio }] of Object.entries(plain)) {
    const samples = profiled[what]?.samples ?? [];
    sum += micros;
    relative += ratio;
    console.log(
      `${what.padEnd(14)} ${micros.toFixed(1).padStart(7)} ${ratio.toFixed(1).padStart(6)}x  ${split(micros, samples, stageOf)}`,
    );
    if (args.includes('--functions'))
      console.log(split(micros, samples, (frames) => frames[0] ?? '', 45, '\n    '));
  }
  console.log(`${'together'.padEnd(14)} ${sum.toFixed(1).padStart(7)} ${relative.toFixed(1).padStart(6)}x`);
}
profiler.disconnect();
await t.close();
if (folder) rmSync(folder, { recursive: true, force: true });

/** `stage 12.3, stage 4.5`: the samples by what `name` calls their stack, scaled to the time measured. */
function split(
  micros: number,
  samples: readonly Sampled[],
  name: (frames: readonly string[]) => string,
  most = 16,
  between = ', ',
): string {
  const sums = new Map<string, number>();
  let all = 0;
  for (const { frames, time } of samples) {
    const stage = name(frames);
    if (stage === 'idle' || stage.startsWith('post node:inspector')) continue;
    all += time;
    sums.set(stage, (sums.get(stage) ?? 0) + time);
  }
  return (
    (between.startsWith('\n') ? '    ' : '') +
    [...sums]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([stage, time]) => `${stage} ${((time / all) * micros).toFixed(1)}`)
      .join(between)
  );
}
