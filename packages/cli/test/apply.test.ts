import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConfigMap, Pod } from '@coracle/machinery/api';
import { resourceType } from '@coracle/machinery';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apiError } from '@coracle/operator/testing';
import { lastApplied } from '../src/apply-patch.ts';
import { setupCli } from './harness.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(os.tmpdir(), 'apply-'));
});
afterEach(() => rm(cwd, { recursive: true }));
const put = (name: string, text: string): Promise<void> => writeFile(path.join(cwd, name), text);

const map = (data: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata: ${data}\n`;

describe('coracle apply', () => {
  test('creates, then changes, then leaves alone', async () => {
    const { cluster, runWith } = setupCli();
    await put('m.yaml', map('{a: "1", b: "2"}'));
    expect((await runWith({ cwd }, 'apply', '-f', 'm.yaml')).out).toBe('configmap/m created\n');
    await put('m.yaml', map('{a: "9"}'));
    expect((await runWith({ cwd }, 'apply', '-f', 'm.yaml')).out).toBe('configmap/m configured\n');
    expect(cluster.object(ConfigMap, 'm', 'default')?.data).toEqual({ a: '9' });
    expect((await runWith({ cwd }, 'apply', '-f', 'm.yaml')).out).toBe('configmap/m unchanged\n');
    expect(cluster.writes()).toHaveLength(2);
  });

  test("writes kubectl's annotation, byte for byte", async () => {
    const { cluster, runWith } = setupCli();
    await runWith({ stdin: map('{b: "2", a: "1"}') }, 'apply', '-f', '-');
    expect(cluster.object(ConfigMap, 'm', 'default')?.metadata.annotations).toEqual({
      [lastApplied]:
        '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"m","namespace":"default"}}\n',
    });
  });

  test('keeps what others have set, and takes away only what it had set itself', async () => {
    const { cluster, runWith } = setupCli();
    await runWith({ stdin: map('{a: "1", b: "2"}') }, 'apply', '-f', '-');
    const patch = { data: { theirs: 'x' }, metadata: { labels: { team: 'y' } } };
    await cluster.client.patch(ConfigMap, 'm', 'merge', patch, { namespace: 'default' });
    await runWith({ stdin: map('{a: "1"}') }, 'apply', '-f', '-');
    expect(cluster.object(ConfigMap, 'm', 'default')).toMatchObject({
      data: { a: '1', theirs: 'x' },
      metadata: { labels: { team: 'y' } },
    });
    expect(cluster.object(ConfigMap, 'm', 'default')?.data).not.toHaveProperty('b');
  });

  test('merges lists of built-in kinds by their keys', async () => {
    const { cluster, runWith } = setupCli();
    const text = (image: string) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        spec: { containers: [{ name: 'main', image }] },
      });
    await runWith({ stdin: text('a') }, 'apply', '-f', '-');
    const sidecar = { spec: { containers: [{ name: 'sidecar', image: 's' }] } };
    await cluster.client.patch(Pod, 'p', 'strategic', sidecar, { namespace: 'default' });
    await runWith({ stdin: text('b') }, 'apply', '-f', '-');
    const containers = cluster.object(Pod, 'p', 'default')?.spec?.containers;
    expect(containers?.map(({ name, image }) => `${name}=${image}`).toSorted()).toEqual([
      'main=b',
      'sidecar=s',
    ]);
  });

  test('merges other kinds as JSON', async () => {
    const Widget = resourceType<never>('example.com', 'v1', 'widgets', 'Widget', true);
    const { cluster, runWith } = setupCli({ types: [Widget] });
    const text = (spec: object) =>
      JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec });
    await runWith({ stdin: text({ a: 1, b: 2 }) }, 'apply', '-f', '-');
    expect((await runWith({ stdin: text({ a: 3 }) }, 'apply', '-f', '-')).out).toBe(
      'widget.example.com/w configured\n',
    );
    expect(cluster.object(Widget, 'w', 'default')).toMatchObject({ spec: { a: 3 } });
    expect(cluster.object(Widget, 'w', 'default')).not.toMatchObject({ spec: { b: 2 } });
  });

  test('takes folders in order, and many documents', async () => {
    const { runWith } = setupCli();
    await put('b.yaml', `${map('{a: "1"}')}---\n# nothing\n---\n${map('{}').replace('name: m', 'name: n')}`);
    await put('a.json', JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } }));
    await put('readme.txt', 'no manifest');
    expect((await runWith({ cwd }, 'apply', '-f', '.')).out).toBe(
      'namespace/x created\nconfigmap/m created\nconfigmap/n created\n',
    );
  });

  test('takes up a conflict with another writer', async () => {
    const { cluster, runWith } = setupCli();
    await runWith({ stdin: map('{a: "1"}') }, 'apply', '-f', '-');
    let conflicts = 1;
    cluster.react(({ verb }) => {
      if (verb === 'patch' && conflicts-- > 0) throw apiError('Conflict');
    });
    expect((await runWith({ stdin: map('{a: "2"}') }, 'apply', '-f', '-')).out).toBe(
      'configmap/m configured\n',
    );
  });

  test('a dry run of the client changes nothing', async () => {
    const { cluster, runWith } = setupCli();
    const { out } = await runWith({ stdin: map('{a: "1"}') }, 'apply', '-f', '-', '--dry-run=client');
    expect(out).toBe('configmap/m created (client dry run)\n');
    expect(cluster.writes()).toEqual([]);
  });

  test.each([
    ['a: [', 'not valid YAML'],
    [`${map('{}')}---\nkind: Pod\nmetadata: {name: p}\n`, 'm.yaml, document 2: apiVersion is missing'],
    ['apiVersion: v1\nkind: Pood\nmetadata: {name: p}\n', 'm.yaml: no kind Pood in v1 on this server'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\n', 'apply needs metadata.name'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: other}\n', 'and -n says "here"'],
  ])('%j says what is wrong, and where', async (text, message) => {
    const { runWith } = setupCli();
    await put('m.yaml', text);
    const { err, code } = await runWith({ cwd }, 'apply', '-f', 'm.yaml', '-n', 'here');
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test('a refusal of the server names the file and the object', async () => {
    const { cluster, runWith } = setupCli();
    cluster.react(({ verb }) => {
      if (verb === 'create') throw apiError('Invalid', 'metadata.name: too long');
    });
    await put('m.yaml', map('{}'));
    const { err } = await runWith({ cwd }, 'apply', '-f', 'm.yaml');
    expect(err).toBe('m.yaml: ConfigMap m: metadata.name: too long\n');
  });
});
