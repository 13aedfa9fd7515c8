/**
 * How late a busy process is: the delay of its event loop, and how long a plain GET over HTTPS waits for its answer, asked by a
 * process of its own, so that the asker's own work is neither counted nor waited for.
 */
import type { Kubeconfig } from '@coracle/client';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Lateness {
  /** What it was since the last call, in words. */
  since(): Promise<string>;
  stop(): void;
}

/** Watches this process; `path` is asked for every 50 ms, or as soon as the answer before has come. */
export async function watchLateness(kubeconfig: Kubeconfig, path: string): Promise<Lateness> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const child = fork(new URL('ask.ts', import.meta.url), { serialization: 'json' });
  child.send({ kubeconfig, path });
  await once(child, 'message');
  delay.enable();
  return {
    async since() {
      // In nanoseconds, and each is of a timer of one millisecond.
      const ms = (nanoseconds: number): string => Math.max(0, nanoseconds / 1e6 - 1).toFixed(1);
      const loop = `event loop late by p50 ${ms(delay.percentile(50))}, p99 ${ms(delay.percentile(99))}, max ${ms(delay.max)} ms`;
      child.send('tell');
      const [took] = (await once(child, 'message')) as [number[]];
      delay.reset();
      const of = (share: number): string =>
        (took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN).toFixed(1);
      return `${loop}; GET p50 ${of(0.5)}, p99 ${of(0.99)}, max ${of(1)} ms (${took.length})`;
    },
    stop() {
      delay.disable();
      child.disconnect();
    },
  };
}
