import { ConfigMap } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createInformerFactory, manualClock, silentLogger } from '../src/index.ts';
import { apiError, fakeCluster } from '../src/testing.ts';

const name = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), name, value: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bookmark' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), calls: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3000) }) },
);

test('whatever the server does, the informer ends with its state, and handlers hear a lawful history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const cluster = fakeCluster();
      const clock = manualClock();
      const deps = { client: cluster.client, clock, logger: silentLogger, random: () => 0.5 };
      const factory = createInformerFactory(deps);
      const informer = factory.informer(ConfigMap);
      informer.addIndex('value', (object) => [object.data?.['value'] ?? '']);
      /** What a handler that only listens knows. */
      const heard = new Map<string, ConfigMap>();
      informer.on({
        add(object) {
          expect(heard.has(object.metadata.name)).toBe(false);
          heard.set(object.metadata.name, object);
          expect(informer.get(object.metadata.name, 'default')).toBe(object);
        },
        update(before, after) {
          expect(heard.get(after.metadata.name)).toBe(before);
          expect(after.metadata.uid).toBe(before.metadata.uid);
          expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(
            Number(before.metadata.resourceVersion),
          );
          heard.set(after.metadata.name, after);
        },
        delete(object) {
          expect(heard.get(object.metadata.name)?.metadata.uid).toBe(object.metadata.uid);
          heard.delete(object.metadata.name);
          expect(informer.get(object.metadata.name, 'default')).toBeUndefined();
        },
      });
      let failures = 0;
      cluster.react(({ verb }) => {
        if ((verb === 'list' || verb === 'watch') && failures > 0) {
          failures -= 1;
          throw apiError('ServiceUnavailable');
        }
      });
      void factory.start();
      for (const action of steps) {
        if (action.do === 'put') {
          const data = { value: String(action.value) };
          if (cluster.object(ConfigMap, action.name, 'default')) {
            await cluster.client.patch(ConfigMap, action.name, 'merge', { data }, { namespace: 'default' });
          } else cluster.seed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: action.name }, data });
        } else if (action.do === 'delete') {
          await cluster.client
            .delete(ConfigMap, action.name, { namespace: 'default' })
            .catch(() => undefined);
        } else if (action.do === 'drop') cluster.dropWatches();
        else if (action.do === 'compact') cluster.compact();
        else if (action.do === 'bookmark') cluster.bookmark();
        else if (action.do === 'fail') failures = action.calls;
        else await clock.advance(action.ms);
      }
      // Back-off is at most 60 s with jitter; three failures at most are left.
      await clock.advance(300_000);
      const state = cluster.objects(ConfigMap);
      const byName = (a: ConfigMap, b: ConfigMap): number => (a.metadata.name < b.metadata.name ? -1 : 1);
      expect(informer.list().toSorted(byName)).toEqual(state);
      expect([...heard.values()].toSorted(byName)).toEqual(state);
      for (const value of ['0', '1', '2', '3']) {
        const expected = state.filter((object) => object.data?.['value'] === value);
        expect([...informer.byIndex('value', value)].toSorted(byName)).toEqual(expected);
      }
      factory.stop();
    }),
    { numRuns: 150 },
  );
});
