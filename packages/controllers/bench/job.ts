/**
 * What the Job controller costs: `node packages/controllers/bench/job.ts [pods]`. The first figure is one look at a Job with
 * that many pods; the second runs an Indexed Job of that many pods to its end on an API in memory whose "nodes" finish each
 * pod at once.
 */
import { createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import { Job, Pod } from '@coracle/machinery/api';
import { defaultBackoff } from '../src/job/backoff.ts';
import { decide } from '../src/job/decide.ts';
import { podFromTemplate } from '../src/job/template.ts';
import { jobController } from '../src/index.ts';

const count = Number(process.argv[2] ?? 1000);
const labels = { 'batch.kubernetes.io/controller-uid': 'u' };
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'bench',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    parallelism: count,
    completions: count,
    completionMode: 'Indexed',
    backoffLimit: 6,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'x' }] },
    },
  },
} as const satisfies Job;

const pods = Array.from({ length: count }, (_, index) => {
  const draft = podFromTemplate(job, index);
  const name = `bench-${index}`;
  const stored = { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    spec: draft.spec,
    metadata: { ...draft.metadata, ...stored },
    status: { phase: index % 2 ? 'Running' : 'Succeeded' },
  } as Pod;
});
const rounds = 50;
const look = () => decide({ job, pods, now: Date.UTC(2026, 0, 1), ends: new Map(), backoff: defaultBackoff });
for (let i = 0; i < rounds; i += 1) look();
const began = performance.now();
for (let i = 0; i < rounds; i += 1) look();
const perLook = (performance.now() - began) / rounds;
console.log(
  `decide, ${count} pods: ${perLook.toFixed(2)} ms (${((perLook / count) * 1e6).toFixed(0)} ns a pod)`,
);

const cluster = fakeCluster({ objects: [job] });
const { client } = cluster;
const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
const controller = jobController({
  client,
  informers,
  clock: systemClock,
  recorder: { event() {} },
  logger: silentLogger,
  random: () => 0.5,
});
const start = performance.now();
const complete = new Promise<void>((resolve) => {
  informers.informer(Job).on({
    update(_, { status }) {
      if (status?.conditions?.some(({ type }) => type === 'Complete')) resolve();
    },
  });
});
informers.informer(Pod).on({
  add({ metadata: { name } }) {
    const where = { namespace: 'default', subresource: 'status' };
    void client.patch(Pod, name, 'merge', { status: { phase: 'Succeeded' } }, where);
  },
});
await Promise.all([informers.start(), controller.start()]);
await complete;
const took = performance.now() - start;
informers.stop();
await controller.stop();
const writes = cluster.writes().length;
console.log(
  `a Job of ${count} pods from start to Complete: ${took.toFixed(0)} ms, ${writes} writes, ` +
    `${Math.round((count / took) * 1000)} pods/s`,
);
