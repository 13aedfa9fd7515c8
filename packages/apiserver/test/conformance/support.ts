/** What several conformance tests do alike. */
import { expect } from 'vitest';
import type { KubeList, Unstructured, WatchEvent } from '@coracle/machinery';
import type { TestServer, TestWatch } from '../../src/testing.ts';

export type List = KubeList<Unstructured>;
export const merge = { 'content-type': 'application/merge-patch+json' };
export const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
export const jsonPatch = { 'content-type': 'application/json-patch+json' };
export const namesOf = (list: List): string[] => list.items.map((item) => item.metadata.name);

/** An object with any fields, as tests read them. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Any = any;

/** A new namespace with its service account, and the roots of paths in it. */
export async function newNamespace(t: TestServer, name: string): Promise<string> {
  await t.call('POST', '/api/v1/namespaces', { metadata: { name } });
  await t.call('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  return name;
}

/** The next event that is not a bookmark. */
export async function nextEvent(watch: TestWatch): Promise<WatchEvent<Unstructured>> {
  for (;;) {
    const event = await watch.next();
    if (event === undefined) throw new Error('the watch has ended');
    if (event.type !== 'BOOKMARK') return event;
  }
}

/** Waits for an event of this type about this object; earlier events of others are passed over. */
export async function eventOf(watch: TestWatch, type: string, name: string): Promise<Any> {
  for (;;) {
    const event = await nextEvent(watch);
    if (event.type === type && event.object.metadata.name === name) return event.object;
  }
}

export interface ApiOperations {
  group: string;
  version: string;
  resource: string;
  kind: string;
  namespace?: string;
  /** Everything of an object but its metadata. */
  body: object;
  /** A merge patch of the status, where there is a status. */
  status?: object;
  /** Names of the objects; `conformance-N` unless told. */
  name?: (n: number) => string;
}

/**
 * The tests called "KIND API operations" upstream: discovery has the resource; create, get, list, watch, patch, update,
 * status read, patched and updated, delete, deletecollection.
 */
export async function apiOperations(t: TestServer, api: ApiOperations): Promise<void> {
  const groupVersion = api.group === '' ? api.version : `${api.group}/${api.version}`;
  const root = api.group === '' ? `/api/${api.version}` : `/apis/${groupVersion}`;
  const flat = `${root}/${api.resource}`;
  const path = api.namespace === undefined ? flat : `${root}/namespaces/${api.namespace}/${api.resource}`;
  const label = 'special-label';
  const selector = `labelSelector=${label}%3D${api.resource}`;
  const name = api.name ?? ((n: number) => `conformance-${n}`);
  const make = (n: number): object => ({
    ...api.body,
    apiVersion: groupVersion,
    kind: api.kind,
    metadata: { name: name(n), labels: { [label]: api.resource } },
  });

  if (api.group !== '') {
    const groups = await t.call<Any>('GET', '/apis');
    expect(groups.groups.map((g: Any) => g.name)).toContain(api.group);
    const group = await t.call<Any>('GET', `/apis/${api.group}`);
    expect(group.versions.map((v: Any) => v.groupVersion)).toContain(groupVersion);
  }
  const resources = (await t.call<Any>('GET', root)).resources as Any[];
  const found = resources.find((r) => r.name === api.resource);
  expect(found?.kind).toBe(api.kind);
  expect(found.verbs).toEqual(
    expect.arrayContaining([
      'create',
      'delete',
      'deletecollection',
      'get',
      'list',
      'patch',
      'update',
      'watch',
    ]),
  );
  if (api.status) expect(resources.map((r) => r.name)).toContain(`${api.resource}/status`);

  const created = await t.call<Any>('POST', path, make(1));
  await t.call('POST', path, make(2));
  await t.call('POST', path, make(3));
  const twice = await t.request('POST', path, { body: make(1) });
  expect([twice.code, twice.body.reason]).toEqual([409, 'AlreadyExists']);

  const read = await t.call<Any>('GET', `${path}/${name(1)}`);
  expect(read.metadata.uid).toBe(created.metadata.uid);
  const list = await t.call<List>('GET', `${path}?${selector}`);
  expect(namesOf(list)).toEqual([name(1), name(2), name(3)]);
  expect(namesOf(await t.call<List>('GET', `${flat}?${selector}`))).toHaveLength(3);

  const watch = await t.watch(`${path}?watch=1&${selector}&resourceVersion=${list.metadata.resourceVersion}`);
  const everywhere = await t.watch(
    `${flat}?watch=1&${selector}&resourceVersion=${list.metadata.resourceVersion}`,
  );

  const patched = await t.call<Any>(
    'PATCH',
    `${path}/${name(1)}`,
    { metadata: { annotations: { patched: 'true' } } },
    merge,
  );
  expect(patched.metadata.annotations.patched).toBe('true');
  expect(patched.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
  for (const w of [watch, everywhere]) {
    const event = await nextEvent(w);
    expect([event.type, event.object.metadata.annotations?.['patched']]).toEqual(['MODIFIED', 'true']);
  }
  const toUpdate = structuredClone(patched);
  toUpdate.metadata.annotations.updated = 'true';
  const updated = await t.call<Any>('PUT', `${path}/${name(1)}`, toUpdate);
  expect(updated.metadata.annotations).toMatchObject({ patched: 'true', updated: 'true' });
  expect((await nextEvent(watch)).object.metadata.annotations?.['updated']).toBe('true');
  const stale = await t.request('PUT', `${path}/${name(1)}`, { body: toUpdate });
  expect([stale.code, stale.body.reason]).toEqual([409, 'Conflict']);

  if (api.status) {
    const statusPath = `${path}/${name(1)}/status`;
    const status = await t.call<Any>('GET', statusPath);
    expect(status.metadata.uid).toBe(created.metadata.uid);
    const statusPatched = await t.call<Any>(
      'PATCH',
      statusPath,
      { metadata: { annotations: { patchedstatus: 'true' } }, status: api.status },
      merge,
    );
    expect(statusPatched.status).toMatchObject(api.status);
    expect(statusPatched.metadata.annotations.patchedstatus).toBe('true');
    const change = structuredClone(statusPatched);
    change.metadata.annotations.updatedstatus = 'true';
    const statusUpdated = await t.call<Any>('PUT', statusPath, change);
    expect(statusUpdated.status).toMatchObject(api.status);
    expect(statusUpdated.spec).toEqual(updated.spec);
    // Nothing of the status comes in by the object's own path.
    const reset = await t.call<Any>('PUT', `${path}/${name(1)}`, {
      ...structuredClone(statusUpdated),
      status: {},
    });
    expect(reset.status).toMatchObject(api.status);
  }

  const wrongUid = await t.request('DELETE', `${path}/${name(1)}`, {
    body: { preconditions: { uid: 'other' } },
  });
  expect([wrongUid.code, wrongUid.body.reason]).toEqual([409, 'Conflict']);
  await t.call('DELETE', `${path}/${name(1)}?propagationPolicy=Background`);
  await eventOf(watch, 'DELETED', name(1));
  const gone = await t.request('GET', `${path}/${name(1)}`);
  expect([gone.code, gone.body.reason]).toEqual([404, 'NotFound']);
  expect(namesOf(await t.call<List>('GET', `${path}?${selector}`))).toHaveLength(2);
  await t.call('DELETE', `${path}?${selector}&propagationPolicy=Background`);
  await eventOf(everywhere, 'DELETED', name(3));
  expect(namesOf(await t.call<List>('GET', `${path}?${selector}`))).toEqual([]);
  watch.stop();
  everywhere.stop();
}
