/** A fake cluster with informers and a manual clock, for the wiring tests. */
import { createInformerFactory, manualClock, silentLogger } from '@coracle/operator';
import type { Component, ManualClock } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import type { FakeCluster, FakeClusterOptions } from '@coracle/operator/testing';
import { onTestFinished } from 'vitest';
import type { ComponentDeps } from '../src/index.ts';

export interface Lab {
  cluster: FakeCluster;
  clock: ManualClock;
  /** `Reason message` of each event. */
  events: string[];
  deps: ComponentDeps;
  start(...components: Component[]): Promise<void>;
  /** Waits (in turns of the event loop, not in time) until `check` holds. */
  until(check: () => unknown): Promise<void>;
  /** Lets everything pending run. */
  rest(): Promise<void>;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function lab(options: FakeClusterOptions = {}): Lab {
  const clock = manualClock();
  const cluster = fakeCluster({ clock, ...options });
  const events: string[] = [];
  const informers = createInformerFactory({ client: cluster.client, clock, logger: silentLogger });
  const started: Component[] = [];
  onTestFinished(async () => {
    informers.stop();
    await Promise.all(started.map((component) => component.stop()));
  });
  return {
    cluster,
    clock,
    events,
    deps: {
      client: cluster.client,
      informers,
      clock,
      recorder: { event: (_about, _type, reason, message) => void events.push(`${reason} ${message}`) },
      logger: silentLogger,
      random: () => 0.5,
    },
    async start(...components) {
      started.push(...components);
      await Promise.all([informers.start(), ...components.map((component) => component.start())]);
    },
    async until(check) {
      for (let i = 0; i < 2000; i += 1) {
        if (check()) return;
        await turn();
      }
      throw new Error(`never: ${check}`);
    },
    async rest() {
      for (let i = 0; i < 60; i += 1) await turn();
    },
  };
}
