import type { ApiRequest } from '@coracle/machinery';
import { Job, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { pod, setupCli } from './harness.ts';

/** Answers logs: each container says who it is. */
function logsOf({ path, query }: ApiRequest) {
  const name = /\/pods\/([^/]+)\/log$/.exec(path)?.[1];
  if (!name) return undefined;
  const options = [...query].filter(([key]) => key !== 'container').map(([key, value]) => ` ${key}=${value}`);
  const body = (async function* () {
    yield Buffer.from(`${name}/${query.get('container')}${options.join('')}\nsec`);
    yield Buffer.from('ond');
  })();
  return { kind: 'stream', code: 200, headers: {}, body } as const;
}
const worker = (name: string, job: string) =>
  pod(name, {
    metadata: { name, namespace: 'default', labels: { 'batch.kubernetes.io/job-name': job } },
    spec: { initContainers: [{ name: 'prepare', image: 'x' }], containers: [{ name: 'main', image: 'x' }] },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'main',
          containerID: `id-${name}`,
          state: { running: {} },
          restartCount: 0,
          ready: true,
          image: '',
          imageID: '',
        },
      ],
    },
  });
const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: {} };

function setup(objects: object[]) {
  const cli = setupCli({ objects });
  cli.cluster.intercept(logsOf);
  return cli;
}

describe('coracle logs', () => {
  test('shows the log of a pod as it is', async () => {
    const { run } = setup([pod('a')]);
    expect((await run('logs', 'a')).out).toBe('a/main\nsecond\n');
    expect((await run('logs', 'pod/a', '--tail', '3', '--since', '2m', '--timestamps', '-p')).out).toBe(
      'a/main previous=true timestamps=true tailLines=3 sinceSeconds=120\nsecond\n',
    );
  });

  test('merges the pods of a workload, each line with its pod', async () => {
    const { run } = setup([job, worker('j-0', 'j'), worker('j-1', 'j'), worker('k-0', 'k')]);
    expect((await run('logs', 'job/j')).out).toBe(
      '[j-0] j-0/main\n[j-0] second\n[j-1] j-1/main\n[j-1] second\n',
    );
  });

  test('names containers when there are several', async () => {
    const { run } = setup([worker('a', 'j')]);
    expect((await run('logs', 'a', '--all-containers')).out).toBe(
      '[prepare] a/prepare\n[prepare] second\n[main] a/main\n[main] second\n',
    );
  });

  test('colours prefixes on a terminal, unless NO_COLOR is set', async () => {
    const { runWith } = setup([job, worker('j-0', 'j')]);
    const coloured = await runWith({ tty: true }, 'logs', 'job/j');
    expect(coloured.out).toContain('\u001b[36m[j-0]\u001b[0m j-0/main');
    const plain = await runWith({ tty: true, env: { NO_COLOR: '1' } }, 'logs', 'job/j');
    expect(plain.out).not.toContain('\u001b');
  });

  test('-f follows pods that start later, to the end of the workload', async () => {
    const { cluster, runWith } = setup([job, worker('j-0', 'j')]);
    let added = false;
    const onOut = (out: string): void => {
      if (!added && out.includes('[j-0] second')) {
        added = true;
        cluster.seed(worker('j-1', 'j'));
      }
      if (out.includes('[j-1] second')) {
        const status = { conditions: [{ type: 'Complete', status: 'True' }] };
        void cluster.client.patch(
          Job,
          'j',
          'merge',
          { status },
          { namespace: 'default', subresource: 'status' },
        );
      }
    };
    const { out } = await runWith({ onOut }, 'logs', '-f', 'job/j');
    expect(out).toBe('[j-0] j-0/main follow=true\n[j-0] second\n[j-1] j-1/main follow=true\n[j-1] second\n');
  });

  test('-f of a pod waits for its container to start', async () => {
    const { cluster, run } = setup([pod('a', { status: { phase: 'Pending' } })]);
    const following = run('logs', '-f', 'a');
    while (cluster.watches === 0) await new Promise(setImmediate);
    const containerStatuses = [{ name: 'main', state: { running: {} } }];
    await cluster.client.patch(
      Pod,
      'a',
      'merge',
      { status: { containerStatuses } },
      { namespace: 'default', subresource: 'status' },
    );
    expect((await following).out).toBe('a/main follow=true\nsecond\n');
  });

  test.each([
    [['logs'], 'name one pod or workload'],
    [['logs', 'nope'], 'pods "nope" not found'],
    [['logs', 'a', '-c', 'nope'], 'pod a has no container "nope"; it has main'],
    [['logs', 'cm/m'], 'configmap/m has no pods of its own'],
    [['logs', '-l', 'app=none'], 'pods with app=none: no pods in namespace default'],
    [['logs', 'a', '--tail', 'few'], '--tail "few" is no whole number'],
  ])('%j says what is wrong', async (argv, message) => {
    const { run } = setup([pod('a'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }]);
    const { err, code } = await run(...argv);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });
});

describe('coracle exec', () => {
  test('runs a command, with streams and exit code', async () => {
    const { cluster, runWith } = setupCli({ objects: [pod('a')] });
    let asked = '';
    cluster.intercept(({ path, query }) => {
      if (!path.endsWith('/exec')) return undefined;
      asked = query.toString();
      return {
        kind: 'upgrade',
        async run(session) {
          for await (const chunk of session.stdin ?? []) await session.stdout?.(chunk);
          await session.stderr?.(Buffer.from('oops\n'));
          await session.finish({ exitCode: 7 });
        },
      };
    });
    const ran = await runWith({ stdin: 'hello' }, 'exec', '-i', 'a', '--', 'cat', '-n', 'get');
    expect(ran).toEqual({ out: 'hello', err: 'oops\nthe command ended with exit code 7\n', code: 7 });
    expect(asked).toBe(
      'container=main&stdin=true&stdout=true&stderr=true&command=cat&command=-n&command=get',
    );
  });

  test('says what is wrong', async () => {
    const { run } = setupCli({ objects: [pod('a'), job] });
    expect((await run('exec', 'a')).err).toContain('Write the command after --: coracle exec a -- COMMAND');
    expect((await run('exec', 'job/j', '--', 'ls')).err).toContain('job/j has no running pod');
  });
});
