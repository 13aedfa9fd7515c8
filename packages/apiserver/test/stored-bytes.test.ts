/** What is stored are the bytes of the object that in-process readers get, however they were put together. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecentTexts } from '../src/storage/recent-texts.ts';
import { testServer } from '../src/testing.ts';

const merge = { 'content-type': 'application/merge-patch+json' };

test('a pod that is created, bound, labelled, reported and resized is stored as it is shown', async () => {
  const t = await testServer();
  const path = '/api/v1/namespaces/default/pods/p';
  const steps: (() => Promise<unknown>)[] = [
    () =>
      t.call('POST', '/api/v1/namespaces/default/pods', {
        metadata: { name: 'p', annotations: { 'example.com/text': 'é "quoted" \u2028 \ud800 text' } },
        spec: {
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'main',
              image: 'i',
              env: [{ name: 'A', value: 'x'.repeat(300) }],
              resources: { requests: { cpu: '1000m' } },
            },
          ],
        },
      }),
    () =>
      t.call('POST', `${path}/binding`, {
        metadata: { name: 'p', annotations: { 'example.com/cards': '0,1' } },
        target: { kind: 'Node', name: 'node-"7"'.replaceAll('"', '') },
      }),
    () => t.call('PATCH', path, { metadata: { labels: { a: 'b' } } }, merge),
    () => t.call('PATCH', `${path}/status`, { status: { phase: 'Running', podIP: '10.0.0.1' } }, merge),
    () => t.call('PATCH', `${path}/status`, { status: { phase: null, message: 'é'.repeat(400) } }, merge),
    () => t.call('PATCH', `${path}/status`, { metadata: { annotations: { b: 'c' } } }, merge),
    () => t.call('PATCH', path, { spec: { terminationGracePeriodSeconds: 30 } }, merge),
  ];
  for (const step of steps) {
    await step();
    const entry = t.store.get('core/pods/default/p');
    expect(new TextDecoder().decode(entry?.bytes)).toBe(JSON.stringify(entry?.object));
    const { spec } = (entry?.object ?? {}) as { spec?: object };
    expect(Object.isFrozen(spec)).toBe(true);
  }
  expect(await t.call('GET', path)).toMatchObject({
    metadata: { labels: { a: 'b' }, annotations: { b: 'c', 'example.com/cards': '0,1' } },
    spec: { nodeName: 'node-7', containers: [{ resources: { requests: { cpu: '1' } } }] },
    status: { podIP: '10.0.0.1', conditions: [{ type: 'PodScheduled', status: 'True' }] },
  });
  await t.close();
});

test('a text that is remembered or made from another is the one JSON.stringify makes', () => {
  const long = fc.string({ minLength: 250, maxLength: 260, unit: 'grapheme' });
  const values = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });
  fc.assert(
    fc.property(values, long, fc.string(), fc.jsonValue(), (some, text, field, added) => {
      const texts = createRecentTexts();
      const value: Record<string, unknown> = { ...some, text };
      expect(texts.textOf(value)).toBe(JSON.stringify(value));
      expect(texts.textOf(value)).toBe(JSON.stringify(value));
      const next = { ...value, [field]: added };
      texts.extended(value, next, field);
      expect(texts.textOf(next)).toBe(JSON.stringify(next));
    }),
  );
});
