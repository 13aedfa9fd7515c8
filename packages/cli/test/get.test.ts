import type { ApiRequest } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import { pod, setupCli } from './harness.ts';

/** Answers pods as a server does that makes Tables. */
function podTables(request: ApiRequest, names: string[]) {
  if (!request.path.endsWith('/pods') || !request.headers['accept']?.includes('as=Table')) return undefined;
  const value = {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '1' },
    columnDefinitions: [
      { name: 'Name', type: 'string', priority: 0 },
      { name: 'Status', type: 'string', priority: 0 },
      { name: 'Node', type: 'string', priority: 1 },
    ],
    rows: names.map((name) => ({
      cells: [name, 'Running', null],
      object: { metadata: { name, namespace: 'default', labels: { app: name } } },
    })),
  };
  return { kind: 'object', code: 200, headers: {}, value } as const;
}

describe('coracle get', () => {
  test('prints the columns of the server, wide ones when asked', async () => {
    const { cluster, run } = setupCli();
    cluster.intercept((request) => podTables(request, ['web-0', 'a']));
    expect((await run('get', 'pods')).out).toBe('NAME    STATUS\nweb-0   Running\na       Running\n');
    expect((await run('get', 'po', '-o', 'wide', '--no-headers')).out).toBe(
      'web-0   Running\na       Running\n',
    );
    expect((await run('get', 'pods', '-A', '--show-labels')).out).toBe(
      'NAMESPACE   NAME    STATUS    LABELS\ndefault     web-0   Running   app=web-0\ndefault     a       Running   app=a\n',
    );
  });

  test('prints name and age where the server makes no Table', async () => {
    const { run } = setupCli({ objects: [pod('a')] });
    expect((await run('get', 'pods')).out).toMatch(/^NAME {3}AGE\na {6}\d+d\n$/);
  });

  test('says when there is nothing', async () => {
    const { run } = setupCli();
    expect(await run('get', 'pods')).toEqual({
      out: '',
      err: 'No resources found in default namespace.\n',
      code: 0,
    });
    expect((await run('get', 'nodes')).err).toBe('No resources found\n');
  });

  test.each([
    [['get', 'pod', 'a', '-o', 'name'], 'pod/a\n'],
    [['get', 'pod/a', '-o', 'jsonpath={.status.phase}'], 'Running'],
    [['get', 'pods', '-o', 'jsonpath={.items[*].metadata.name}'], 'a b'],
    [
      ['get', 'pods', '-o', 'custom-columns=N:.metadata.name,S:.status.phase'],
      'N   S\na   Running\nb   Running\n',
    ],
    [['get', 'pods', '-l', 'app=db', '-o', 'name'], 'pod/b\n'],
    [['get', 'pods', '--field-selector', 'metadata.name=a', '-o', 'name'], 'pod/a\n'],
    [['get', 'pods', '--sort-by', '{.metadata.labels.app}', '-o', 'name'], 'pod/b\npod/a\n'],
    [['get', 'cm,pods', '-o', 'name'], 'configmap/m\npod/a\npod/b\n'],
    [['get', 'jobs.batch', '-o', 'name', '-n', 'other'], 'job.batch/j\n'],
  ])('%j', async (argv, out) => {
    const { run } = setupCli({
      objects: [
        pod('a'),
        pod('b', { metadata: { name: 'b', namespace: 'default', labels: { app: 'db' } } }),
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } },
        { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'other' }, spec: {} },
      ],
    });
    expect(await run(...argv)).toEqual({ out, err: '', code: 0 });
  });

  test('prints YAML and JSON without managed fields', async () => {
    const managedFields = [{ manager: 'x', operation: 'Update' }];
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm', managedFields },
      data: { k: 'two\nlines' },
    };
    const { run } = setupCli({ objects: [map] });
    const { out } = await run('get', 'cm', 'm', '-o', 'yaml');
    expect(out).toContain('kind: ConfigMap');
    expect(out).not.toContain('managedFields');
    expect((await run('get', 'cm', 'm', '-o', 'yaml', '--show-managed-fields')).out).toContain(
      'managedFields',
    );
    const list = JSON.parse((await run('get', 'cm', '-o', 'json')).out) as { kind: string; items: object[] };
    expect([list.kind, list.items.length]).toEqual(['List', 1]);
  });

  test('shows several kinds with their names in front', async () => {
    const { run } = setupCli({
      objects: [pod('a'), { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: {} }],
    });
    const { out } = await run('get', 'pods,jobs');
    expect(out).toMatch(/^NAME +AGE\npod\/a +\d+d\n\nNAME +AGE\njob\.batch\/j +\d/);
  });

  test.each([
    [['get', 'pod', 'nope'], 'pods "nope" not found'],
    [['get', 'podz'], 'the server has no resource "podz"; did you mean pods'],
    [['get', 'pods', '-o', 'xml'], '-o "xml" is not known; known are json, yaml'],
    [['get', 'pods', '-o', 'jsonpath={.a'], 'is no JSONPath'],
    [['get'], 'say what to get: TYPE'],
    [['get', 'pod/a', 'b'], '"b" is not TYPE/NAME'],
    [['get', 'pod', 'a', '-A'], 'names cannot be combined with -A'],
    [['get', 'pods', '-l', 'a in b'], 'parse'],
  ])('%j says what is wrong', async (argv, message) => {
    const { run } = setupCli();
    const { err, code } = await run(...argv);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test('--ignore-not-found makes absence no error', async () => {
    const { run } = setupCli();
    expect(await run('get', 'pod', 'nope', '--ignore-not-found')).toEqual({ out: '', err: '', code: 0 });
    expect(await run('get', 'pod', 'nope', '--ignore-not-found', '-o', 'json')).toMatchObject({
      out: '',
      code: 0,
    });
  });

  test('-w shows what is there, then changes, until interrupted', async () => {
    const { cluster, runWith } = setupCli({ objects: [pod('a')] });
    const stop = new AbortController();
    const onOut = (out: string): void => {
      if (!out.includes('pod/b') && cluster.watches === 0) {
        setImmediate(() => cluster.seed(pod('b')));
      }
      if (out.includes('pod/b')) stop.abort();
    };
    const { out } = await runWith({ signal: stop.signal, onOut }, 'get', 'pods', '-w', '-o', 'name');
    expect(out).toBe('pod/a\npod/b\n');
  });

  test('--raw prints what the server says', async () => {
    const { cluster, run } = setupCli();
    cluster.intercept(({ path }) =>
      path === '/version' ? { kind: 'object', code: 200, headers: {}, value: { major: '1' } } : undefined,
    );
    expect((await run('get', '--raw', '/version')).out).toBe('{"major":"1"}');
  });
});
