/** What is stored are the bytes of the object that in-process readers get, however they were put together. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Unstructured } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Entry } from '@coracle/store';
import { createByteRoom } from '../src/storage/byte-room.ts';
import { createSharedSpecs } from '../src/storage/shared-specs.ts';
import { seal } from '../src/storage/seal.ts';
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

const set = (object: Record<string, unknown>, field: string, value: unknown): void => {
  object[field] = value;
};

test('a status patch keeps the very values it does not name, and drops fields nobody knows', async () => {
  const t = await testServer();
  const path = '/api/v1/namespaces/default/pods/p';
  const patch = (status: object) =>
    t.request('PATCH', `${path}/status`, { body: { status }, headers: merge });
  await t.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'p', labels: { a: 'b' } },
    spec: { containers: [{ name: 'main', image: 'i' }] },
  });
  await patch({
    hostIPs: [{ ip: '10.0.0.1' }],
    resourceClaimStatuses: [{ name: 'c', resourceClaimName: 'd' }],
  });
  const read = (): Pod => t.store.get('core/pods/default/p')?.object as Pod;
  const before = read();
  await patch({ phase: 'Running', resourceClaimStatuses: null });
  const after = read();
  expect(after.status).toEqual({ phase: 'Running', qosClass: 'BestEffort', hostIPs: [{ ip: '10.0.0.1' }] });
  expect(after.status?.hostIPs).toBe(before.status?.hostIPs);
  expect(after.metadata.labels).toBe(before.metadata.labels);
  const unknown = await patch({
    phase: 'Failed',
    nobodyKnows: 1,
    conditions: [{ type: 'X', status: 'True', y: 1 }],
  });
  expect(unknown).toMatchObject({
    code: 200,
    headers: { warning: expect.stringContaining('status.nobodyKnows') },
  });
  expect(read().status).toMatchObject({ phase: 'Failed', hostIPs: [{ ip: '10.0.0.1' }] });
  expect(read().status).not.toHaveProperty('nobodyKnows');
  expect(Object.isFrozen(read().status?.hostIPs)).toBe(true);
  await t.close();
});

test('bytes that are copied from the version before are those JSON.stringify makes', () => {
  const room = createByteRoom();
  const specs = createSharedSpecs();
  const limits = { bodyBytes: 1e6, objectBytes: 1e5, patchOperations: 1 };
  const text = fc.string({ maxLength: 90, unit: 'grapheme' });
  const json = fc.oneof(fc.jsonValue(), text, fc.constant(undefined));
  const values = fc.dictionary(fc.oneof(fc.string(), text), json, { maxKeys: 4 });
  /** Which part of the object is changed, and how. */
  const change = fc.record({
    part: fc.constantFrom('metadata', 'spec', 'status', 'other', 'none'),
    how: fc.constantFrom('added', 'replaced', 'shared', 'removed'),
    values,
  });
  const meta = fc.record(
    { name: text, labels: values, resourceVersion: fc.constant('1') },
    { requiredKeys: ['name'] },
  );
  fc.assert(
    fc.property(meta, values, json, fc.array(change, { maxLength: 5 }), (metadata, spec, status, changes) => {
      let object = { apiVersion: 'v1', kind: 'Pod', metadata, spec, status } as unknown as Unstructured;
      let current: Entry | undefined;
      let revision = 9;
      const steps = [undefined, ...changes];
      for (const step of steps) {
        if (step) {
          const was = object[step.part];
          const next: Unstructured = { ...object };
          if (step.how === 'added') set(next, step.part, { ...(was as object), ...step.values });
          else if (step.how === 'replaced')
            set(next, step.part, step.part === 'metadata' ? { name: 'x', ...step.values } : step.values);
          else if (step.how === 'removed' && step.part !== 'metadata') delete next[step.part];
          object = next;
        }
        revision++;
        const sealed = seal({ room, limits, specs }, object, revision, current);
        const expected = {
          ...object,
          metadata: { ...object.metadata, resourceVersion: String(revision) },
        };
        expect(Buffer.from(sealed.bytes).toString()).toBe(JSON.stringify(expected));
        expect(sealed.object).toEqual(expected);
        current = { key: 'k', createRevision: 1, revision, ...sealed };
        object = sealed.object as Unstructured;
      }
    }),
    { numRuns: 500 },
  );
});

test('large objects, and one that is too large, leave the others as they are', () => {
  const room = createByteRoom();
  const specs = createSharedSpecs();
  const limits = { bodyBytes: 1e6, objectBytes: 40_000, patchOperations: 1 };
  const kept: [string, Uint8Array][] = [];
  for (let i = 0; i < 60; i++) {
    const object = {
      apiVersion: 'v1',
      kind: 'X',
      metadata: { name: `n${i}` },
      data: { a: 'é'.repeat((i * 977) % 21_000) },
    };
    const expected = JSON.stringify({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(i) },
    });
    const write = () => seal({ room, limits, specs }, object as unknown as Unstructured, i, undefined);
    if (Buffer.byteLength(expected) > limits.objectBytes) expect(write).toThrow(/the limit is 40000 bytes/);
    else kept.push([expected, write().bytes]);
  }
  expect(kept.length).toBeGreaterThan(50);
  for (const [expected, bytes] of kept) expect(Buffer.from(bytes).toString()).toBe(expected);
});
