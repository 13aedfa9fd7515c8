import { Job, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { parseGoal } from '../src/commands/wait.ts';
import { pod, setupCli } from './harness.ts';

const bound = (name: string) =>
  pod(name, { spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'x' }] } });

describe('coracle delete', () => {
  test('deletes by name, by label, by TYPE/NAME and by manifest', async () => {
    const { cluster, run, runWith } = setupCli({ objects: ['a', 'b', 'c', 'd'].map((name) => pod(name)) });
    expect((await run('delete', 'pod', 'a')).out).toBe('pod "a" deleted from default namespace\n');
    await run('delete', 'po/b');
    const stdin = 'apiVersion: v1\nkind: Pod\nmetadata: {name: c}\n';
    await runWith({ stdin }, 'delete', '-f', '-');
    expect((await run('delete', 'pods', '-l', 'app=web', '-o', 'name')).out).toBe('pod/d\n');
    expect(cluster.objects(Pod)).toEqual([]);
  });

  test('waits until the object is gone', async () => {
    const { cluster, run } = setupCli({ objects: [bound('a')] });
    let done = false;
    const deleting = run('delete', 'pod', 'a').then(() => (done = true));
    while (!cluster.object(Pod, 'a', 'default')?.metadata.deletionTimestamp) await new Promise(setImmediate);
    expect(done).toBe(false);
    await cluster.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
    await deleting;
    expect(done).toBe(true);
  });

  test('says what holds an object that does not go', async () => {
    const metadata = { name: 'j', namespace: 'default', finalizers: ['example.com/hold'] };
    const { run } = setupCli({ objects: [{ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: {} }] });
    const { err, code } = await run('delete', 'job/j', '--timeout', '10ms');
    expect(code).toBe(1);
    expect(err).toBe('job.batch/j is still there after 10ms: it waits for example.com/hold\n');
  });

  test.each([
    [['--now'], { gracePeriodSeconds: 1 }],
    [['--force'], { gracePeriodSeconds: 0 }],
    [['--grace-period', '7'], { gracePeriodSeconds: 7 }],
    [['--cascade', 'orphan'], { propagationPolicy: 'Orphan' }],
    [[], { propagationPolicy: 'Background' }],
  ])('%j asks for %j', async (flags, body) => {
    const { cluster, run } = setupCli({ objects: [bound('a')] });
    await run('delete', 'pod', 'a', '--no-wait', ...flags);
    expect(cluster.writes()[0]?.body).toMatchObject(body);
  });

  test.each([
    [['delete', 'pods'], 'which pods? Give names, a label selector (-l), or --all'],
    [['delete', 'pod', 'nope'], 'pods "nope" not found'],
    [['delete', 'pod', 'a', '--cascade', 'sideways'], 'background, foreground or orphan'],
    [['delete', 'pod', 'a', '--now', '--grace-period', '3'], 'exclude each other'],
    [['delete', 'pod', 'a', '--timeout', 'soon'], '"soon" is no duration'],
  ])('%j says what is wrong', async (argv, message) => {
    const { run } = setupCli();
    const { err, code } = await run(...argv);
    expect(code).toBe(1);
    expect(err).toContain(message);
  });

  test('--ignore-not-found', async () => {
    const { run } = setupCli();
    expect(await run('delete', 'pod', 'nope', '--ignore-not-found')).toEqual({ out: '', err: '', code: 0 });
  });
});

describe('coracle wait', () => {
  const job = (conditions: object[] = []) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j' },
    spec: {},
    status: { conditions },
  });

  test('ends when the condition is met', async () => {
    const { cluster, run } = setupCli({ objects: [job()] });
    const waiting = run('wait', 'job/j', '--for=condition=complete', '--timeout', '10s');
    while (cluster.watches === 0) await new Promise(setImmediate);
    const status = { conditions: [{ type: 'Complete', status: 'True' }] };
    await cluster.client.patch(
      Job,
      'j',
      'merge',
      { status },
      { namespace: 'default', subresource: 'status' },
    );
    expect(await waiting).toEqual({ out: 'job.batch/j condition met\n', err: '', code: 0 });
  });

  test('ends when the object is gone, also when it never was', async () => {
    const { cluster, run } = setupCli({ objects: [pod('a')] });
    const waiting = run('wait', 'pod/a', '--for=delete');
    while (cluster.watches === 0) await new Promise(setImmediate);
    await cluster.client.delete(Pod, 'a', { namespace: 'default' });
    expect((await waiting).out).toBe('pod/a deleted\n');
    expect((await run('wait', 'pod/a', '--for=delete')).out).toBe('pod/a deleted\n');
  });

  test('ends with 1 when the time is over, saying how things stand', async () => {
    const { run } = setupCli({
      objects: [job([{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }])],
    });
    const { err, code } = await run('wait', 'job/j', '--for=condition=Complete', '--timeout', '10ms');
    expect(code).toBe(1);
    expect(err).toContain(
      'job.batch/j: 10ms are over, still waiting for condition Complete=True; now: Suspended=True (JobSuspended)',
    );
  });

  test('an object that is not there is an error', async () => {
    const { run } = setupCli();
    expect(await run('wait', 'pod/a', '--for=condition=Ready')).toMatchObject({
      code: 1,
      err: 'pods "a" not found\n',
    });
  });

  test.each([
    ['condition=Ready', { conditions: [{ type: 'Ready', status: 'True' }] }, true],
    ['condition=Ready', { conditions: [{ type: 'Ready', status: 'False' }] }, false],
    ['condition=Ready=false', { conditions: [{ type: 'Ready', status: 'False' }] }, true],
    ['condition=Ready', { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] }, false],
    ["jsonpath='{.status.phase}'=Running".replaceAll("'", ''), { phase: 'Running' }, true],
    ['jsonpath={.status.phase}=Running', { phase: 'Pending' }, false],
    ['jsonpath={.status.phase}', { phase: 'Pending' }, true],
    ['jsonpath={.status.phase}', {}, false],
    ['jsonpath={.status.n}="3"', { n: 3 }, true],
  ])('--for=%s of status %j is %s', (text, status, met) => {
    const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '', generation: 2 };
    expect(parseGoal(text).met({ apiVersion: 'v1', kind: 'X', metadata, status })).toBe(met);
  });

  test('says what may stand after --for', () => {
    expect(() => parseGoal('ready')).toThrow('condition=NAME[=STATUS], delete, create or jsonpath');
  });
});
