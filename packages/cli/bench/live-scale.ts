/**
 * Live scale: an engine in memory with many virtual nodes whose pods Stages drive, every pod taken to Running. Prints seconds, CPU
 * and memory, how late the event loop is, and how long a plain GET waits. The pods are bound as they are made, so that this is about the nodes; with `schedule` the scheduler binds them.
 * `node packages/cli/bench/live-scale.ts [nodes] [pods] [schedule]`
 */
import type { KubeList } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { createLogger } from '@coracle/operator';
import { startEngine } from '../src/engine/engine.ts';
import { watchLateness } from './lateness.ts';
import { Stage, type StageSpec } from '../../node/src/virtual/stages/stage-type.ts';

const count = Number(process.argv[2] ?? 5000);
const pods = Number(process.argv[3] ?? 150_000);
const schedule = process.argv[4] === 'schedule';
const ready: StageSpec = {
  resourceRef: { apiGroup: 'v1', kind: 'Pod' },
  selector: {
    matchExpressions: [
      { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
      { key: '.status.phase', operator: 'In', values: ['Pending'] },
      {
        key: '.status.conditions.[] | select( .type == "Ready" ) | .status',
        operator: 'NotIn',
        values: ['True'],
      },
    ],
  },
  delay: { durationMilliseconds: 500, jitterDurationMilliseconds: 1500 },
  next: {
    statusTemplate: `
{{ $now := Now }}
conditions:
{{ range list "Initialized" "ContainersReady" "Ready" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ . }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
phase: Running
startTime: {{ $now | Quote }}`,
  },
};

const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
const cpuSeconds = (before: NodeJS.CpuUsage): string => {
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6).toFixed(1);
};
const memory = (): string => `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;

let at = performance.now();
let cpu = process.cpuUsage();
const engine = await startEngine({
  host: '127.0.0.1',
  port: 0,
  nodeName: false,
  virtualNodes: count,
  ...(schedule ? {} : { scheduler: false as const }),
  logger: createLogger({ level: 'warn', write: (line) => process.stderr.write(line) }),
});
const { admin } = engine;
console.log(`${count} nodes registered: ${seconds(at)} s, ${cpuSeconds(cpu)} s of CPU, ${memory()}`);
await admin.create(Stage, { metadata: { name: 'pod-ready' }, spec: ready } as never);

const lateness = await watchLateness(engine.kubeconfig, '/api/v1/nodes/virtual-0');
at = performance.now();
cpu = process.cpuUsage();
let next = 0;
const create = async (): Promise<void> => {
  for (let i = next++; i < pods; i = next++)
    await admin.create(
      Pod,
      {
        metadata: { name: `p${i}`, namespace: 'default' },
        spec: {
          ...(schedule ? {} : { nodeName: `virtual-${i % count}` }),
          containers: [{ name: 'main', image: 'example.org/none' }],
        },
      },
      { namespace: 'default' },
    );
};
await Promise.all(Array.from({ length: 32 }, create));
console.log(`${pods} pods created: ${seconds(at)} s, ${cpuSeconds(cpu)} s of CPU, ${memory()}`);
console.log(`  ${await lateness.since()}`);

/** Asks for a page at a time whether all run, and waits where one does not. */
for (let token: string | undefined = ''; token !== undefined;) {
  const page: KubeList<Pod> = await admin.list(Pod, {
    namespace: 'default',
    limit: 500,
    ...(token ? { continue: token } : {}),
  });
  if (page.items.some(({ status }) => status?.phase !== 'Running')) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    token = '';
    continue;
  }
  token = page.metadata.continue || undefined;
}
const rate = pods / ((performance.now() - at) / 1000);
console.log(
  `all running: ${seconds(at)} s from the first (${rate.toFixed(0)} pods/s), ${cpuSeconds(cpu)} s of CPU, ${memory()}`,
);
console.log(`  ${await lateness.since()}`);
lateness.stop();
await engine.close();
