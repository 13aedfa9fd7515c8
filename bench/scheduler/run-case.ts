/**
 * One case in a process of its own: `node bench/scheduler/run-case.ts NAME [--cpu-profile FILE]`. Starts the whole engine on
 * a store on disk, with virtual nodes; creates pods and follows their bindings through the engine's own client, in the same
 * process, as kube-scheduler's test does. Prints one line of JSON.
 */
import type { Client } from '@coracle/client';
import { Node, Pod, PriorityClass, ServiceAccount } from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEngine } from '../../packages/cli/src/engine/engine.ts';
import { homeOf } from '../../packages/cli/src/engine/home.ts';
import { freshFolder, removeFolder } from '../support.ts';
import { cases, inParallel, podOf, type PodShape } from './cases.ts';

/** What a case measured; times in milliseconds. */
export interface CaseResult {
  readonly name: string;
  readonly podsPerSecond: number;
  /** From the first create to the last binding seen. */
  readonly ms: number;
  /** Until the last of them was seen running, where they start. */
  readonly runningMs: number | undefined;
  /** CPU time of the process per pod, all threads. */
  readonly cpuMsPerPod: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly residentMiB: number;
}

/** Follows pods until every one of `names` is seen with a node, and until every one is seen running. */
function follow(client: Client, resourceVersion: string, names: ReadonlySet<string>) {
  const stop = new AbortController();
  const waiting = new Set(names);
  const idle = new Set(names);
  const bound = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  void (async () => {
    try {
      const events = client.watch(Pod, { namespace: 'default', resourceVersion, signal: stop.signal });
      for await (const { object } of events) {
        if (object.spec?.nodeName) waiting.delete(object.metadata.name);
        if (waiting.size === 0) bound.resolve();
        if (object.status?.phase === 'Running') idle.delete(object.metadata.name);
        if (idle.size === 0) running.resolve();
      }
    } catch (error) {
      if (!stop.signal.aborted) bound.reject(error as Error);
    }
  })();
  return {
    bound: bound.promise,
    running: running.promise,
    left: () => ({ unbound: waiting.size, idle: idle.size }),
    oneUnbound: (): string | undefined => waiting.values().next().value,
    stop: () => stop.abort(),
  };
}

/** Creates the pods. Resolves when all are bound (and, if they start, run), with the milliseconds until then. */
async function runAll(
  client: Client,
  shapes: readonly PodShape[],
  starts: boolean,
  patienceMs: number,
): Promise<{ boundMs: number; runningMs: number | undefined }> {
  if (shapes.length === 0) return { boundMs: 0, runningMs: undefined };
  const { metadata } = await client.list(Pod, { namespace: 'default', limit: 1 });
  const following = follow(client, metadata.resourceVersion, new Set(shapes.map(({ name }) => name)));
  const began = performance.now();
  const tell = async (): Promise<void> => {
    const { unbound, idle } = following.left();
    const name = following.oneUnbound();
    const get = name === undefined ? undefined : client.get(Pod, name, { namespace: 'default' });
    const pod = await get?.catch(() => undefined);
    const why = pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    console.error(`    ${shapes.length} pods: ${unbound} without a node, ${idle} not running. ${why}`);
  };
  const progress = setInterval(() => void tell(), 10_000);
  try {
    await inParallel(shapes.length, (index) =>
      client.create(Pod, podOf(shapes[index]!, starts), { namespace: 'default' }),
    );
    const late = sleep(patienceMs, 'late', { ref: false });
    const bound = following.bound.then(() => performance.now() - began);
    const all = starts ? Promise.all([bound, following.running]) : bound;
    if ((await Promise.race([all, late])) === 'late') {
      const { unbound, idle } = following.left();
      throw new Error(
        `after ${patienceMs} ms ${unbound} of ${shapes.length} pods have no node, ${idle} do not run`,
      );
    }
    return { boundMs: await bound, runningMs: starts ? performance.now() - began : undefined };
  } finally {
    clearInterval(progress);
    following.stop();
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { 'cpu-profile': { type: 'string' } },
    allowPositionals: true,
  });
  const found = cases.find(({ name }) => name === positionals[0]);
  if (!found)
    throw new Error(`no case "${positionals[0]}"; there are: ${cases.map((c) => c.name).join(', ')}`);
  const folder = freshFolder();
  const engine = await startEngine({
    home: homeOf(folder, {}),
    host: '127.0.0.1',
    port: 0,
    virtualNodes: found.nodes,
    virtualShape: { capacity: found.capacity, labels: (index) => found.labels(index) },
    nodeName: false,
    logger: silentLogger,
  });
  try {
    const client = engine.admin;
    while ((await client.list(Node, { limit: 1 })).metadata.remainingItemCount !== found.nodes - 1)
      await sleep(100);
    // New nodes are tainted until the node controller has seen them ready.
    while ((await client.list(Node)).items.some(({ spec }) => spec?.taints?.length)) await sleep(100);
    while ((await client.list(ServiceAccount, { namespace: 'default' })).items.length === 0) await sleep(20);
    await client.create(PriorityClass, { metadata: { name: 'bench-high' }, value: 1000 } as PriorityClass);
    await found.prepare?.(client);
    const starts = found.starts === true;
    await runAll(client, found.before ?? [], starts, 240_000);
    // What the preparation left to do must not be counted.
    await sleep(3000);
    globalThis.gc?.();

    const stop = new AbortController();
    const beside = found.beside?.(client, stop.signal);
    const profiler = values['cpu-profile'] === undefined ? undefined : new Session();
    if (profiler) {
      profiler.connect();
      await profiler.post('Profiler.enable');
      await profiler.post('Profiler.start');
    }
    const loop = monitorEventLoopDelay({ resolution: 2 });
    loop.enable();
    const cpuBefore = process.cpuUsage();
    const { boundMs: ms, runningMs } = await runAll(client, found.measured, starts, 240_000);
    const cpu = process.cpuUsage(cpuBefore);
    loop.disable();
    if (profiler) {
      const { profile } = await profiler.post('Profiler.stop');
      writeFileSync(values['cpu-profile']!, JSON.stringify(profile));
    }
    stop.abort();
    await beside;
    const result: CaseResult = {
      name: found.name,
      ms,
      runningMs,
      podsPerSecond: (found.measured.length / ms) * 1000,
      cpuMsPerPod: (cpu.user + cpu.system) / 1000 / found.measured.length,
      loopP99Ms: loop.percentile(99) / 1e6,
      loopMaxMs: loop.max / 1e6,
      residentMiB: process.memoryUsage.rss() / 2 ** 20,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    // The engine is not asked to drain its nodes: the process ends and the folder goes.
    setTimeout(() => process.exit(1), 20_000).unref();
    await engine.close();
    removeFolder(folder);
  }
}

await main();
process.exit(0);
