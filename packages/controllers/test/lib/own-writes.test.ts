import { describe, expect, test } from 'vitest';
import type { KubeObject } from '@coracle/machinery';
import { manualClock } from '@coracle/operator';
import type { Informer, InformerHandler } from '@coracle/operator';
import { OwnWrites } from '../../src/lib/own-writes.ts';

const object = (name: string, resourceVersion: string, uid = name): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'd', uid, resourceVersion, creationTimestamp: '' },
});

/** An informer whose events the test sends. */
function setUp() {
  const cache = new Map<string, KubeObject>();
  let handler: InformerHandler<KubeObject> = {};
  const informer = {
    byKey: (key: string) => cache.get(key),
    on(added: InformerHandler<KubeObject>) {
      handler = added;
      return () => {};
    },
  } as unknown as Informer;
  const clock = manualClock();
  return {
    clock,
    own: new OwnWrites(informer, clock),
    put(next: KubeObject) {
      const key = `d/${next.metadata.name}`;
      const before = cache.get(key);
      cache.set(key, next);
      if (before) handler.update?.(before, next);
      else handler.add?.(next, false);
    },
    remove(gone: KubeObject) {
      cache.delete(`d/${gone.metadata.name}`);
      handler.delete?.(gone);
    },
    cached: () => [...cache.values()],
  };
}
const versions = (list: KubeObject[]) => list.map((o) => `${o.metadata.name}@${o.metadata.resourceVersion}`);

describe('OwnWrites', () => {
  test('an answer counts until the cache has caught up with it', () => {
    const { own, put, cached } = setUp();
    put(object('a', '9'));
    own.wrote(object('a', '11'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@11']);
    put(object('a', '10'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@11']);
    put(object('a', '12'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@12']);
  });
  test('an answer that comes after its event changes nothing', () => {
    const { own, put, cached } = setUp();
    put(object('a', '9'));
    put(object('a', '12'));
    own.wrote(object('a', '11'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@12']);
  });
  test('what was created is listed at once, and once', async () => {
    const { own, put, cached } = setUp();
    await own.create('g', async () => object('a', '5'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@5']);
    expect(own.list(cached(), 'other')).toEqual([]);
    put(object('a', '5'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@5']);
  });
  test('created and deleted before the answer came: it is not listed', async () => {
    const { own, put, remove, cached } = setUp();
    await own.create('g', async () => {
      put(object('a', '5'));
      remove(object('a', '6'));
      return object('a', '5');
    });
    expect(own.list(cached(), 'g')).toEqual([]);
  });
  test('created, and its event never comes: it is believed for half a minute', async () => {
    const { own, cached, clock } = setUp();
    await own.create('g', async () => object('a', '5'));
    await clock.advance(29_000);
    expect(own.list(cached(), 'g')).toHaveLength(1);
    await clock.advance(2000);
    expect(own.list(cached(), 'g')).toEqual([]);
  });
  test('what is known to be gone is not listed, but one of its name made anew is', () => {
    const { own, put, remove, cached } = setUp();
    put(object('a', '5'));
    own.gone(object('a', '5'));
    expect(own.list(cached(), 'g')).toEqual([]);
    remove(object('a', '6'));
    put(object('a', '7', 'another'));
    expect(versions(own.list(cached(), 'g'))).toEqual(['a@7']);
  });
});
