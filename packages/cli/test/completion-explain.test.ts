import type { ApiRequest } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import { pod, setupCli } from './harness.ts';

describe('completion', () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
  const objects = [
    pod('web-0'),
    pod('web-1'),
    pod('db', { metadata: { name: 'db', namespace: 'team' } }),
    namespace,
  ];

  test.each([
    [['de'], ['delete', 'demo', 'describe']],
    [
      ['get', 'pod'],
      ['poddisruptionbudgets', 'pods', 'podtemplates'],
    ],
    [
      ['get', 'pods', 'web'],
      ['web-0', 'web-1'],
    ],
    [['get', 'pods', '-n', 'team', ''], ['db']],
    [['-n', 'te'], ['team']],
    [['describe', 'pod/web-1'], ['pod/web-1']],
    [
      ['logs', 'w'],
      ['web-0', 'web-1'],
    ],
    [
      ['get', 'pods', '-o', 'j'],
      ['json', 'jsonpath='],
    ],
    [['delete', '--cas'], ['--cascade']],
    [
      ['top', ''],
      ['nodes', 'pods'],
    ],
    [['get', 'nonsense', ''], []],
  ])('of %j is %j', async (words, expected) => {
    const { run } = setupCli({ objects });
    const { out } = await run('__complete', '--', ...words);
    const found = out.split('\n').slice(0, -1);
    if (words.length === 2 && words[1] === 'pod') expect(found).toEqual(expect.arrayContaining(expected));
    else expect(found).toEqual(expected);
  });

  test.each(['bash', 'zsh', 'fish'])('prints a script for %s', async (shell) => {
    const { run } = setupCli();
    expect((await run('completion', shell)).out).toContain('coracle __complete');
  });

  test('says which shells there are', async () => {
    const { run } = setupCli();
    expect((await run('completion', 'csh')).err).toContain('bash, zsh, fish');
  });
});

describe('coracle explain', () => {
  const schemas = {
    'io.k8s.api.core.v1.Pod': {
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Pod' }],
      properties: {
        kind: { type: 'string' },
        spec: {
          allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
          description: 'What is wanted.',
        },
      },
    },
    'io.k8s.api.core.v1.PodSpec': {
      type: 'object',
      required: ['containers'],
      properties: {
        containers: { type: 'array', items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' } },
        nodeSelector: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    'io.k8s.api.core.v1.Container': { type: 'object', properties: { name: { type: 'string' } } },
  };
  function setup() {
    const cli = setupCli();
    cli.cluster.intercept(({ path, query }: ApiRequest) => {
      const reply = (value: unknown) => ({ kind: 'object', code: 200, headers: {}, value }) as const;
      if (path === '/openapi/v3')
        return reply({ paths: { 'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=AB' } } });
      if (path === '/openapi/v3/api/v1' && query.get('hash') === 'AB')
        return reply({ components: { schemas } });
      return undefined;
    });
    return cli;
  }

  test('shows the fields of a kind and of a path', async () => {
    const { run } = setup();
    expect((await run('explain', 'pods.spec')).out).toBe(
      'KIND:       Pod\nVERSION:    v1\n\nFIELD: spec <PodSpec>\n\nDESCRIPTION:\n    What is wanted.\n\nFIELDS:\n  containers\t<[]Container> -required-\n  nodeSelector\t<map[string]string>\n',
    );
    expect((await run('explain', 'po.spec.containers.name')).out).toContain('FIELD: name <string>');
    expect((await run('explain', 'pod', '--recursive')).out).toContain(
      '    containers\t<[]Container> -required-\n      name\t<string>',
    );
  });

  test('says which fields there are', async () => {
    const { run } = setup();
    expect(await run('explain', 'pods.spec.nope')).toMatchObject({
      code: 1,
      err: 'pods.spec has no field "nope"; it has containers, nodeSelector\n',
    });
  });
});

describe('help', () => {
  const commands = ['get', 'describe', 'logs', 'apply', 'delete', 'wait', 'exec', 'explain', 'completion'];
  test.each(commands)('of %s shows an example', async (name) => {
    const { run } = setupCli();
    const { out, code } = await run(name, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}/);
  });
});
