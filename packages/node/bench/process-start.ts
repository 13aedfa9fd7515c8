/**
 * How long a container of the process runtime takes to start, how many start together, and what logging costs.
 * `node packages/node/bench/process-start.ts`
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@coracle/machinery/api';
import { silentLogger, systemClock } from '@coracle/operator';
import { type ContainerHandle, processRuntime } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
const began = performance.now();
const runtime = await processRuntime({ dataDir: folder, clock: systemClock, logger: silentLogger });
console.log(
  `runtime ready in ${(performance.now() - began).toFixed(0)} ms, isolation: ${runtime.host.isolation}`,
);
await runtime.recover();
const message = join(folder, 'message');
writeFileSync(message, '');
const pod = {
  metadata: { name: 'bench', namespace: 'default', uid: `bench-${process.pid}` },
  spec: {},
} as unknown as Pod;
await runtime.createSandbox(pod);

const start = (name: string, command: string[]): Promise<ContainerHandle> =>
  runtime.start({
    pod,
    container: { name },
    kind: 'app',
    attempt: 0,
    env: {},
    command,
    mounts: [{ hostPath: folder, mountPath: '/var/run/secrets/bench', readOnly: true }],
    terminationMessageFile: message,
    hosts: [],
    hostname: 'bench',
    limits: { memoryBytes: 1 << 30 },
  });
const end = async (handle: ContainerHandle): Promise<void> => {
  while (handle.state().phase === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
};
const middle = (values: number[]): string =>
  (values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(1);

const starts: number[] = [];
const lives: number[] = [];
for (let i = 0; i < 20; i++) {
  const t = performance.now();
  const handle = await start(`one-${i}`, ['true']);
  starts.push(performance.now() - t);
  await end(handle);
  lives.push(performance.now() - t);
}
console.log(
  `one after the other: started in ${middle(starts)} ms, start to reported end of \`true\` ${middle(lives)} ms (median of 20)`,
);

let t = performance.now();
const together = await Promise.all(
  Array.from({ length: 50 }, (_, i) => start(`many-${i}`, ['sleep', '100'])),
);
console.log(`50 together: all started in ${(performance.now() - t).toFixed(0)} ms`);
t = performance.now();
await Promise.all(together.map((handle) => runtime.stop(handle.id, 5000)));
console.log(`50 together: all stopped in ${(performance.now() - t).toFixed(0)} ms`);

t = performance.now();
const bytes = 40 * 2 ** 20;
await end(
  await start('log', ['sh', '-c', `yes 0123456789012345678901234567890123456789 | head -c ${bytes}`]),
);
console.log(`log: ${(bytes / 2 ** 20 / ((performance.now() - t) / 1000)).toFixed(0)} MiB/s through the pump`);

await runtime.removeSandbox(pod.metadata.uid);
await runtime.close();
rmSync(folder, { recursive: true, force: true });
