import { ApiError } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { describe, expect, test, vi } from 'vitest';
import {
  createController,
  createInformerFactory,
  createLogger,
  manualClock,
  silentLogger,
} from '../src/index.ts';
import { fakeCluster } from '../src/testing.ts';

describe('controller', () => {
  test('reconciles the objects there are, once its informers are ready, then those that change', async () => {
    const pod = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'x' },
      spec: {},
    });
    const { client, seed } = fakeCluster({ objects: [pod('a')] });
    const clock = manualClock();
    const factory = createInformerFactory({ client, clock, logger: silentLogger });
    const pods = factory.informer(Pod);
    const worked: string[] = [];
    const controller = createController(
      { clock, logger: silentLogger },
      {
        name: 'test',
        waitFor: [pods],
        async reconcile(key) {
          expect(pods.byKey(key)).toBeDefined();
          worked.push(key);
        },
      },
    );
    pods.on({
      add: (object) => controller.queue.add(`${object.metadata.namespace}/${object.metadata.name}`),
    });
    await Promise.all([factory.start(), controller.start()]);
    await vi.waitFor(() => expect(worked).toEqual(['x/a']));
    seed(pod('b'));
    await vi.waitFor(() => expect(worked).toEqual(['x/a', 'x/b']));
    factory.stop();
    await controller.stop();
  });

  test('tries failures again with back-off, logging bugs but not conflicts', async () => {
    const clock = manualClock();
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
    let tries = 0;
    const controller = createController(
      { clock, logger },
      {
        name: 'test',
        async reconcile() {
          tries += 1;
          if (tries === 1) throw new ApiError('Conflict', 'changed');
          if (tries === 2) throw new Error('boom');
        },
      },
    );
    await controller.start();
    controller.queue.add('a');
    await clock.advance(1000);
    expect(tries).toBe(3);
    expect(controller.queue.retries('a')).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('boom');
    await controller.stop();
  });

  test('looks again when asked to', async () => {
    const clock = manualClock();
    const times: number[] = [];
    const start = clock.now();
    const controller = createController(
      { clock, logger: silentLogger },
      {
        name: 'test',
        async reconcile() {
          times.push(clock.now() - start);
          return times.length < 3 ? { requeueAfterMs: 100 } : undefined;
        },
      },
    );
    await controller.start();
    controller.queue.add('a');
    await clock.advance(1000);
    expect(times).toEqual([0, 100, 200]);
    await controller.stop();
  });

  test('works on as many keys at a time as it has workers, and stop waits for them', async () => {
    let running = 0;
    let most = 0;
    const controller = createController(
      { clock: manualClock(), logger: silentLogger },
      {
        name: 'test',
        workers: 2,
        async reconcile(_key, { signal }) {
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          running -= 1;
        },
      },
    );
    await controller.start();
    for (const key of ['a', 'b', 'c', 'd']) controller.queue.add(key);
    await vi.waitFor(() => expect(running).toBe(2));
    await controller.stop();
    expect([running, most]).toEqual([0, 2]);
  });

  test('lets the event loop run while many keys are worked on', async () => {
    let worked = 0;
    const controller = createController(
      { clock: manualClock(), logger: silentLogger },
      {
        name: 'test',
        async reconcile() {
          worked += 1;
        },
      },
    );
    for (let i = 0; i < 10_000; i++) controller.queue.add(`k${i}`);
    await controller.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(worked).toBeLessThan(10_000);
    await vi.waitFor(() => expect(worked).toBe(10_000));
    await controller.stop();
  });
});
