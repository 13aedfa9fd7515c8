/** The recorder's loops, on a cluster in memory: what it sees, and what it does when watches break or may not be had. */
import { errors } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import { fakeCluster, manualClock } from '@coracle/operator/testing';
import { describe, expect, test } from 'vitest';
import type { RecordedLine } from '../src/recording/format.ts';
import { recordCluster, Recorder } from '../src/recording/index.ts';

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: { allocatable: { cpu: '8' } },
};
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ml' },
  spec: { containers: [{ name: 'main', image: 'i' }] },
  status: { phase: 'Pending' },
});

function setup() {
  const clock = manualClock();
  const cluster = fakeCluster({ clock });
  const lines: RecordedLine[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  const run = (namespace?: string): Promise<void> =>
    recordCluster({
      client: cluster.client,
      recorder: new Recorder({ write: (line) => lines.push(line) }),
      clock,
      random: () => 0.5,
      signal: stop.signal,
      namespace,
      onNote: (note) => notes.push(note),
    });
  /** Lets time pass until it is so. */
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let i = 0; !isSo(); i++) {
      if (i > 1000) expect.fail(`it does not come to that: ${JSON.stringify(lines)}`);
      await clock.advance(i < 50 ? 0 : 500);
    }
  };
  const told = (field: string): number => lines.filter((line) => field in line).length;
  return { clock, cluster, lines, notes, stop, run, until, told };
}

describe('recordCluster', () => {
  test('tells what is there, says so, and then what happens; its end too', async () => {
    const { cluster, lines, stop, run, until, told } = setup();
    cluster.seed(node, pod('a'));
    const running = run();
    await until(() => told('listed') === 1);
    expect(Object.keys(lines[0]!)).toContain('coracleRecording');
    expect([told('node'), told('pod')]).toEqual([1, 1]);
    await cluster.client.create(Pod, pod('b') as never, { namespace: 'ml' });
    await until(() => told('pod') === 2);
    await cluster.client.delete(Pod, 'a', { namespace: 'ml', gracePeriodSeconds: 0 });
    await until(() => told('podGone') === 1);
    stop.abort();
    await running;
    expect(lines.at(-1)).toMatchObject({ end: true });
    expect(cluster.writes().map(({ verb }) => verb)).toEqual(['create', 'delete']);
  });

  test('goes on where a watch broke', async () => {
    const { cluster, stop, run, until, told } = setup();
    cluster.seed(node);
    const running = run();
    await until(() => told('listed') === 1 && cluster.actions.some(({ verb }) => verb === 'watch'));
    cluster.dropWatches();
    cluster.seed(pod('meanwhile'));
    await until(() => told('pod') === 1);
    expect(
      cluster.actions.filter(({ verb, resource }) => verb === 'list' && resource === 'pods'),
    ).toHaveLength(1);
    stop.abort();
    await running;
  });

  test('lists again when the server has forgotten, and tells what went away', async () => {
    const { cluster, stop, run, until, told } = setup();
    cluster.seed(node, pod('a'), pod('b'));
    const running = run();
    await until(
      () =>
        told('listed') === 1 &&
        cluster.actions.some(({ verb, resource }) => verb === 'watch' && resource === 'pods'),
    );
    cluster.dropWatches();
    await cluster.client.delete(Pod, 'a', { namespace: 'ml', gracePeriodSeconds: 0 });
    await cluster.client.delete(Node, 'n1');
    cluster.compact();
    await until(() => told('podGone') === 1 && told('nodeGone') === 1);
    expect(told('pod')).toBe(2);
    stop.abort();
    await running;
  });

  test('notes what it may not read, without the words of the server in the file', async () => {
    const { cluster, lines, notes, stop, run, until, told } = setup();
    cluster.react(({ resource }) => {
      if (resource === 'nodes' || resource === 'jobs.batch') {
        throw errors.forbidden({ group: '', resource }, '', 'User "ann" cannot list');
      }
    });
    cluster.seed(pod('a'));
    const running = run();
    await until(() => told('listed') === 1);
    stop.abort();
    await running;
    expect(notes.join()).toContain('nodes may not be listed: nodes is forbidden: User "ann"');
    expect(lines.filter((line) => 'note' in line).map((line) => ('note' in line ? line.note : ''))).toEqual([
      'nodes may not be listed',
      'jobs.batch may not be listed',
    ]);
    expect(JSON.stringify(lines)).not.toContain('ann');
  });

  test('tells when something is not seen any more, and when it is again', async () => {
    const { cluster, lines, notes, stop, run, until, told } = setup();
    cluster.seed(pod('a'));
    const running = run();
    await until(() => told('listed') === 1);
    const allow = cluster.react(({ resource }) => {
      if (resource === 'pods')
        throw errors.forbidden({ group: '', resource }, '', 'the token of "ann" has run out');
    });
    cluster.dropWatches();
    await until(() => told('note') === 1);
    expect(notes.join()).toContain('pods are not seen any more: pods is forbidden');
    allow();
    cluster.seed(pod('b'));
    await until(() => told('note') === 2 && told('pod') === 2);
    stop.abort();
    await running;
    expect(lines.filter((line) => 'note' in line)).toMatchObject([
      { note: 'pods are not seen any more' },
      { note: 'pods are seen again' },
    ]);
  });

  test('asks for one namespace only when told', async () => {
    const { cluster, stop, run, until, told } = setup();
    cluster.seed(pod('a'), { ...pod('b'), metadata: { name: 'b', namespace: 'other' } });
    const running = run('ml');
    await until(() => told('listed') === 1);
    stop.abort();
    await running;
    expect(told('pod')).toBe(1);
  });

  test('ends with the error if pods may not be listed', async () => {
    const { cluster, run } = setup();
    cluster.react(({ resource }) => {
      if (resource === 'pods') throw errors.forbidden({ group: '', resource }, '', 'no');
    });
    await expect(run()).rejects.toThrow('pods is forbidden');
  });
});
