/** What a recorder writes, read again: which pods are one job, when it came and how long it ran. */
import type { KubeObject } from '@coracle/machinery';
import type { Node, Pod } from '@coracle/machinery/api';
import { manualClock } from '@coracle/operator/testing';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readInput, textSource } from '../src/inputs/index.ts';
import {
  Names,
  openRecordingFile,
  readRecording,
  Recorder,
  type RecordingOptions,
} from '../src/recording/index.ts';

const began = Date.UTC(2026, 0, 1);
const at = (seconds: number): number => began + seconds * 1000;
const stamp = (seconds: number): string => new Date(at(seconds)).toISOString().replace('.000', '');

const node = (name: string, extra: object = {}): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: {},
    status: {
      allocatable: { cpu: '8', memory: '32Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
    ...extra,
  }) as unknown as Node;

const unready = {
  status: {
    allocatable: { cpu: '8', memory: '32Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'False' }],
  },
};

interface PodIs {
  created: number;
  phase?: string;
  started?: number;
  ended?: number;
  node?: string;
  owner?: object;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  cpu?: string;
  spec?: object;
}
function pod(name: string, is: PodIs): Pod {
  const { created, phase = 'Pending', started, ended, owner, labels, annotations, cpu = '1', spec } = is;
  const state =
    ended !== undefined
      ? { terminated: { startedAt: stamp(started!), finishedAt: stamp(ended) } }
      : started !== undefined
        ? { running: { startedAt: stamp(started) } }
        : undefined;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ml',
      uid: `uid-${name}`,
      creationTimestamp: stamp(created),
      ...(owner ? { ownerReferences: [owner] } : {}),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
    spec: {
      containers: [{ name: 'main', image: 'i', resources: { requests: { cpu } } }],
      nodeName: is.node,
      ...spec,
    },
    status: { phase, ...(state ? { containerStatuses: [{ name: 'main', state }] } : {}) },
  } as unknown as Pod;
}
const refTo = (apiVersion: string, kind: string, name: string): object => ({
  apiVersion,
  kind,
  name,
  uid: `uid-${name}`,
  controller: true,
});
const object = (name: string, created: number, extra: object = {}): KubeObject =>
  ({
    metadata: { name, namespace: 'ml', uid: `uid-${name}`, creationTimestamp: stamp(created) },
    ...extra,
  }) as unknown as KubeObject;

function read(tell: (recorder: Recorder) => void, options?: RecordingOptions) {
  const lines: string[] = [];
  const recorder = new Recorder({ write: (line) => lines.push(JSON.stringify(line)) });
  recorder.begin(at(0));
  tell(recorder);
  const input = readRecording(textSource('r.jsonl', lines.join('\n')), options);
  return {
    input,
    lines,
    jobs: [...input.workload!.jobs()],
    notes: input.notes.map(({ what, why }) => `${what}: ${why}`),
  };
}
/** A pod's life: made, running, ended. */
function live(
  recorder: Recorder,
  name: string,
  is: PodIs,
  [runs, ends]: [number, number],
  phase = 'Succeeded',
): void {
  recorder.pod(at(is.created), pod(name, is));
  recorder.pod(at(runs), pod(name, { ...is, phase: 'Running', started: runs, node: 'n1' }));
  recorder.pod(at(ends), pod(name, { ...is, phase, started: runs, ended: ends, node: 'n1' }));
}

describe('one pod', () => {
  test('comes when it was made and runs from start to end', () => {
    const { jobs, notes } = read((recorder) => {
      recorder.listed(at(0));
      live(recorder, 'a', { created: 10 }, [15, 75]);
      live(recorder, 'b', { created: 20 }, [25, 30], 'Failed');
    });
    expect(jobs).toMatchObject([
      { tenant: 'ml', submitMs: 10_000, runMs: 60_000, podSets: [{ count: 1 }], about: { waitedMs: 5000 } },
      { submitMs: 20_000, runMs: 5000, ends: 'failed' },
    ]);
    expect(jobs[0]!.podSets).toBe(jobs[1]!.podSets);
    expect(notes).toEqual([]);
  });

  test("the recorder's finer time counts where the node's agrees, the node's where the recorder was away", () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      recorder.pod(at(10) + 300, pod('a', { created: 10 }));
      recorder.pod(at(11) + 200, pod('a', { created: 10, phase: 'Running', started: 11 }));
      // The watch was broken for a while.
      recorder.pod(at(60), pod('a', { created: 10, phase: 'Succeeded', started: 11, ended: 21 }));
    });
    expect(jobs).toMatchObject([{ submitMs: 10_300, runMs: 9800 }]);
  });

  test('deleted while it runs, it was cancelled', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      const running = pod('a', { created: 1, phase: 'Running', started: 2 });
      recorder.pod(at(1), pod('a', { created: 1 }));
      recorder.pod(at(2), running);
      recorder.podGone(at(12), running);
    });
    expect(jobs).toMatchObject([{ runMs: 10_000, ends: 'cancelled' }]);
  });

  test('that ran when the recording began has what was left of it; one that waited comes at 0', () => {
    const { jobs, notes } = read((recorder) => {
      recorder.pod(at(0), pod('runs', { created: -500, phase: 'Running', started: -400 }));
      recorder.pod(at(0), pod('waits', { created: -100 }));
      recorder.pod(at(0), pod('over', { created: -100, phase: 'Succeeded', started: -90, ended: -50 }));
      recorder.listed(at(0));
      recorder.pod(at(30), pod('runs', { created: -500, phase: 'Succeeded', started: -400, ended: 30 }));
      recorder.pod(at(40), pod('waits', { created: -100, phase: 'Running', started: 40 }));
      recorder.pod(at(50), pod('waits', { created: -100, phase: 'Succeeded', started: 40, ended: 50 }));
    });
    expect(jobs.map(({ submitMs, runMs }) => [submitMs, runMs])).toEqual([
      [0, 30_000],
      [0, 10_000],
    ]);
    expect(notes).toEqual([
      'mended: it ran when the recording began: what was left of it counts',
      'mended: it waited when the recording began: it comes at 0',
      'skipped: it had ended when the recording began',
    ]);
  });

  test('what ran at the beginning comes before what waited, and that by its age', () => {
    const { jobs } = read((recorder) => {
      recorder.pod(at(0), pod('young', { created: -10 }));
      recorder.pod(at(0), pod('old', { created: -99 }));
      recorder.pod(at(0), pod('runs', { created: -5, phase: 'Running', started: -4 }));
      recorder.listed(at(0));
    });
    expect(jobs.map(({ id }) => id)).toEqual(['ml/runs', 'ml/old', 'ml/young']);
  });

  test.each([
    ['forever', [Infinity, Infinity]],
    ['observed', [20_000]],
  ] as const)('that has not ended when the recording does: %s', (stillRunning, runs) => {
    const { jobs } = read(
      (recorder) => {
        recorder.listed(at(0));
        recorder.pod(at(10), pod('runs', { created: 10, phase: 'Running', started: 10 }));
        recorder.pod(at(11), pod('waits', { created: 11 }));
        recorder.end(at(30));
      },
      { stillRunning },
    );
    expect(jobs.map(({ runMs }) => runMs)).toEqual(runs);
  });

  test('of a daemon set is no job: what it asks for is taken off its node, once for those that follow each other', () => {
    const daemon = (name: string, created: number, cpu: string): Pod =>
      pod(name, {
        created,
        phase: 'Running',
        started: created,
        node: 'n1',
        cpu,
        owner: refTo('apps/v1', 'DaemonSet', 'ds'),
      });
    const { input, jobs, notes } = read((recorder) => {
      recorder.node(at(0), node('n1'));
      recorder.node(at(0), node('n2'));
      recorder.pod(at(0), daemon('d1', -9, '1'));
      recorder.listed(at(0));
      recorder.podGone(at(5), daemon('d1', -9, '1'));
      recorder.pod(at(6), daemon('d2', 6, '1500m'));
    });
    expect(jobs).toEqual([]);
    expect(input.cluster!.nodes.map(({ status }) => status?.allocatable)).toEqual([
      { cpu: '6500m', memory: '32Gi', pods: '109' },
      { cpu: '8', memory: '32Gi', pods: '110' },
    ]);
    expect(notes).toEqual([
      'mended: a pod of a daemon set, or a static one: no job, what it asks for is taken off its node',
    ]);
  });

  test('says on which nodes it had its cards', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      const resources = { limits: { 'nvidia.com/gpu': '1' }, requests: { 'nvidia.com/gpu': '1' } };
      const spec = { containers: [{ name: 'main', image: 'i', resources }] };
      live(recorder, 'cards', { created: 1, spec: { ...spec, nodeName: 'n1' }, node: 'n1' }, [2, 9]);
      live(recorder, 'cores', { created: 1, node: 'n1' }, [2, 9]);
    });
    expect(jobs.map(({ about }) => about?.['cardNodes'])).toEqual(['n1', undefined]);
  });

  test('with claims on devices and volumes is told', () => {
    const { notes } = read((recorder) => {
      recorder.listed(at(0));
      const spec = {
        resourceClaims: [{ name: 'c', resourceClaimName: 'c' }],
        volumes: [
          { name: 'v', persistentVolumeClaim: { claimName: 'v' } },
          { name: 'e', emptyDir: {} },
        ],
      };
      live(recorder, 'a', { created: 1, spec }, [2, 9]);
    });
    expect(notes).toEqual([
      'mended: its claims on devices are not recorded: it asks for the rest',
      'mended: its claims on volumes are not recorded: they keep it off no node',
    ]);
  });
});

describe('a gang', () => {
  const indexed = {
    spec: { completionMode: 'Indexed', completions: 3, parallelism: 3, activeDeadlineSeconds: 600 },
  };
  const ref = refTo('batch/v1', 'Job', 'train');

  test('is the pods of an Indexed Job that all run at a time; it runs from the last start to the last end', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      recorder.owner(at(5), 'Job', 'batch/v1', object('train', 5, indexed));
      for (let i = 0; i < 3; i++) live(recorder, `train-${i}`, { created: 6, owner: ref }, [10 + i, 20 + i]);
    });
    expect(jobs).toMatchObject([
      {
        id: 'ml/train',
        submitMs: 5000,
        runMs: 10_000,
        estimateMs: 600_000,
        podSets: [{ count: 3 }],
        about: { owner: 'Job/train' },
      },
    ]);
  });

  test('is not the pods of any other Job', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      recorder.owner(
        at(5),
        'Job',
        'batch/v1',
        object('train', 5, { spec: { parallelism: 3, completions: 9 } }),
      );
      for (let i = 0; i < 3; i++) live(recorder, `train-${i}`, { created: 6, owner: ref }, [10, 20]);
    });
    expect(jobs).toHaveLength(3);
  });

  test('a pod that takes the place of one that failed is no further member', () => {
    const { jobs, notes } = read((recorder) => {
      recorder.listed(at(0));
      recorder.owner(at(5), 'Job', 'batch/v1', object('train', 5, indexed));
      for (let i = 0; i < 2; i++) live(recorder, `train-${i}`, { created: 6, owner: ref }, [10, 60]);
      live(recorder, 'train-2', { created: 6, owner: ref }, [10, 20], 'Failed');
      live(recorder, 'train-2b', { created: 21, owner: ref }, [22, 70]);
    });
    expect(jobs).toMatchObject([{ podSets: [{ count: 3 }], runMs: 60_000 }]);
    expect(jobs[0]!.ends).toBeUndefined();
    expect(notes).toEqual(['mended: pods took the place of others: counted once, its time is that of all']);
  });

  test('is everything below the uppermost owner, by role: Jobs of a JobSet of a TrainJob', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      recorder.owner(at(1), 'TrainJob', 'trainer.kubeflow.org/v1alpha1', object('fit', 1));
      const below = (name: string, created: number, owner: object) => {
        const made = object(name, created);
        return { ...made, metadata: { ...made.metadata, ownerReferences: [owner] } } as KubeObject;
      };
      recorder.owner(
        at(2),
        'JobSet',
        'jobset.x-k8s.io/v1alpha2',
        below('set', 2, refTo('trainer.kubeflow.org/v1alpha1', 'TrainJob', 'fit')),
      );
      for (const [role, count, cpu] of [
        ['launcher', 1, '1'],
        ['node', 2, '4'],
      ] as const) {
        recorder.owner(
          at(3),
          'Job',
          'batch/v1',
          below(role, 3, refTo('jobset.x-k8s.io/v1alpha2', 'JobSet', 'set')),
        );
        for (let i = 0; i < count; i++) {
          const labels = { 'jobset.sigs.k8s.io/replicatedjob-name': role };
          live(
            recorder,
            `${role}-${i}`,
            { created: 4, owner: refTo('batch/v1', 'Job', role), labels, cpu },
            [5, 15],
          );
        }
      }
    });
    expect(jobs).toMatchObject([
      {
        id: 'ml/fit',
        submitMs: 1000,
        podSets: [
          { name: 'launcher', count: 1 },
          { name: 'node', count: 2 },
        ],
      },
    ]);
  });

  test('of a name that was there before is another job', () => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      for (const n of [1, 2]) {
        const owner = { ...refTo('kubeflow.org/v1', 'PyTorchJob', 'train'), uid: `uid-${n}` };
        for (let i = 0; i < 2; i++)
          live(recorder, `p${i}-${n}`, { created: 10 * n, owner }, [10 * n + 1, 10 * n + 5]);
      }
    });
    expect(jobs.map(({ id, podSets }) => [id, podSets[0]!.count])).toEqual([
      ['ml/train', 2],
      ['ml/train#2', 2],
    ]);
  });

  test.each([
    ['coscheduling', { labels: { 'scheduling.x-k8s.io/pod-group': 'g' } }],
    ['Volcano', { annotations: { 'scheduling.k8s.io/group-name': 'g' } }],
    ['Kubernetes', { spec: { schedulingGroup: { podGroupName: 'g' } } }],
  ])('is the pods of one pod group: %s', (_, extra) => {
    const { jobs } = read((recorder) => {
      recorder.listed(at(0));
      for (let i = 0; i < 2; i++) live(recorder, `p${i}`, { created: 4, ...extra }, [5, 15]);
    });
    expect(jobs).toMatchObject([{ id: 'ml/g', podSets: [{ count: 2 }] }]);
  });
});

describe('the file', () => {
  test('says each thing once, and only what has changed', () => {
    const { lines } = read((recorder) => {
      recorder.node(at(0), node('n1'));
      recorder.node(at(1), node('n1'));
      recorder.listed(at(0));
      live(recorder, 'a', { created: 10 }, [15, 75]);
      live(recorder, 'b', { created: 10 }, [15, 75]);
      recorder.pod(at(80), pod('a', { created: 10, phase: 'Succeeded', started: 15, ended: 75, node: 'n1' }));
    });
    expect(lines.filter((line) => line.includes('"node":{'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('"template":1,"value"'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('"pod"'))).toHaveLength(6);
    expect(lines.filter((line) => line.includes('"phase":"Running"'))[0]!.length).toBeLessThan(120);
  });

  test('nodes are as first seen ready; that one joined or left is noted', () => {
    const { input, notes } = read((recorder) => {
      recorder.node(
        at(0),
        node('n1', {
          spec: {
            taints: [
              { key: 'gpu', effect: 'NoSchedule' },
              { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
            ],
          },
        }),
      );
      recorder.listed(at(0));
      recorder.node(at(5), node('n2'));
      recorder.nodeGone(at(9), 'n2');
    });
    expect(input.cluster!.nodes).toMatchObject([
      { metadata: { name: 'n1' }, spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } },
      { metadata: { name: 'n2' }, status: { allocatable: { cpu: '8' } } },
    ]);
    expect(input.cluster!.changes).toEqual([
      { atMs: 5000, node: 'n2', what: 'joins' },
      { atMs: 9000, node: 'n2', what: 'retires' },
    ]);
    expect(notes).toEqual([]);
  });

  test('a node joins when it is first ready; what runs on one that goes away ends with it', () => {
    const { input, jobs, notes } = read((recorder) => {
      recorder.node(at(0), node('n1'));
      recorder.listed(at(0));
      recorder.node(at(5), node('n2', unready));
      recorder.node(at(7), node('n2'));
      recorder.pod(at(8), pod('a', { created: 8, node: 'n2' }));
      recorder.pod(at(10), pod('a', { created: 8, phase: 'Running', started: 10, node: 'n2' }));
      recorder.node(at(12), node('n1', unready));
      recorder.node(at(13), node('n1'));
      recorder.node(at(14), node('n3', unready));
      recorder.nodeGone(at(15), 'n3');
      recorder.nodeGone(at(20), 'n2');
      recorder.podGone(at(80), pod('a', { created: 8, phase: 'Running', started: 10, node: 'n2' }));
      recorder.node(at(90), node('n2'));
    });
    expect(input.cluster!.nodes.map(({ metadata }) => metadata.name)).toEqual(['n1', 'n2']);
    expect(input.cluster!.changes).toEqual([
      { atMs: 7000, node: 'n2', what: 'joins' },
      { atMs: 20_000, node: 'n2', what: 'leaves' },
      { atMs: 90_000, node: 'n2', what: 'joins' },
    ]);
    expect(jobs).toMatchObject([{ runMs: 10_000, ends: 'cancelled' }]);
    expect(notes).toEqual([
      'mended: a node was not ready for a while: it is taken as ready',
      'skipped: a node went away before it was ever ready',
    ]);
  });

  test('nodes that came and went while the recorder was away do so when it is back', () => {
    const lines: string[] = [];
    const session = (from: number, names: readonly string[]): void => {
      const recorder = new Recorder({ write: (line) => lines.push(JSON.stringify(line)) });
      recorder.begin(at(from));
      for (const name of names) recorder.node(at(from), node(name));
      recorder.listed(at(from));
    };
    session(0, ['n1', 'n2']);
    session(50, ['n2', 'n3']);
    const { cluster } = readRecording(textSource('r.jsonl', lines.join('\n')));
    expect(cluster!.changes).toEqual([
      { atMs: 50_000, node: 'n3', what: 'joins' },
      { atMs: 50_000, node: 'n1', what: 'retires' },
    ]);
  });

  test('a node that joined has the cards it said it had later; a cordoned one is open if it was opened', () => {
    const cards = { status: { allocatable: { cpu: '8', 'nvidia.com/gpu': '8' } } };
    const { input, notes } = read((recorder) => {
      recorder.node(at(0), node('n1', { spec: { unschedulable: true } }));
      recorder.listed(at(0));
      recorder.node(at(5), node('n2'));
      recorder.node(at(6), node('n2', cards));
      recorder.node(at(7), node('n1'));
      recorder.node(at(8), node('n1', cards));
    });
    expect(
      input.cluster!.nodes.map(({ spec, status }) => [
        spec?.unschedulable,
        status?.allocatable?.['nvidia.com/gpu'],
      ]),
    ).toEqual([
      [undefined, undefined],
      [undefined, '8'],
    ]);
    expect(notes).toContain('mended: a node was cordoned at first: it is taken as open');
  });

  test('anonymized, has no text that a user chose', () => {
    const lines: string[] = [];
    const recorder = new Recorder({
      write: (line) => lines.push(JSON.stringify(line)),
      names: new Names(Buffer.from('salt')),
    });
    const terms = [
      {
        matchExpressions: [{ key: 'zq.example/key', operator: 'In', values: ['zq-value'] }],
        matchFields: [{ key: 'metadata.name', operator: 'In', values: ['zq-node'] }],
      },
    ];
    const selector = {
      matchLabels: { zq: 'zq' },
      matchExpressions: [{ key: 'app', operator: 'In', values: ['zq'] }],
    };
    recorder.begin(at(0), 'https://zq.example');
    recorder.node(
      at(0),
      node('zq-node', {
        metadata: {
          name: 'zq-node',
          labels: {
            'kubernetes.io/hostname': 'zq-node',
            'topology.kubernetes.io/zone': 'zq',
            'zq.example/x': 'zq',
          },
          annotations: { zq: 'zq' },
        },
        spec: { taints: [{ key: 'zq', value: 'zq', effect: 'NoSchedule' }], providerID: 'zq' },
      }),
    );
    recorder.owner(at(0), 'Job', 'batch/v1', object('zq-job', 0, {}));
    const owner = refTo('zq.example/v1', 'ZqTrainer', 'zq-owner');
    recorder.pod(
      at(0),
      pod('zq-pod', {
        created: 0,
        owner: { ...owner, uid: 'u' },
        labels: { zq: 'zq', app: 'zq', 'volcano.sh/task-spec': 'zq', 'scheduling.x-k8s.io/pod-group': 'zq' },
        annotations: { zq: 'zq' },
        spec: {
          nodeName: 'zq-node',
          schedulerName: 'zq-scheduler',
          priorityClassName: 'zq-class',
          serviceAccountName: 'zq',
          hostname: 'zq',
          imagePullSecrets: [{ name: 'zq' }],
          volumes: [{ name: 'zq', secret: { secretName: 'zq' } }],
          resourceClaims: [{ name: 'zq', resourceClaimName: 'zq' }],
          nodeSelector: { zq: 'zq' },
          tolerations: [{ key: 'zq', operator: 'Equal', value: 'zq' }],
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                {
                  topologyKey: 'zq.example/rack',
                  labelSelector: selector,
                  namespaces: ['zq'],
                  namespaceSelector: selector,
                  matchLabelKeys: ['zq'],
                },
              ],
            },
          },
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zq', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
          ],
          containers: [
            {
              name: 'zq',
              image: 'zq',
              command: ['zq'],
              env: [{ name: 'zq', value: 'zq' }],
              resources: { requests: { cpu: '1' }, claims: [{ name: 'zq' }] },
            },
          ],
        },
      }),
    );
    const text = lines
      .join('\n')
      .replaceAll(/"uid":"[^"]*"/g, '')
      .replaceAll('uid-zq', '');
    expect(text).not.toMatch(/zq/i);
    expect(text).toContain('DoNotSchedule');
  });

  test.each([
    ['', 'r.jsonl: is no recording'],
    ['{"t":1,"listed":true}', 'r.jsonl:1: is no line of a recording: the first line must say that it is one'],
    ['{"coracleRecording":2,"t":1}', 'r.jsonl:1: is no line of a recording: version 2 is not known here'],
    ['{"coracleRecording":1,"t":1}\n{"t":\n{"t":2,"listed":true}', 'r.jsonl:2: is no line of a recording'],
    [
      '{"coracleRecording":1,"t":1}\n{"t":1,"pod":{"uid":7}}',
      'r.jsonl:2: is no line of a recording: pod.uid is not a text',
    ],
  ])('%j is refused with its line', (text, words) => {
    expect(() => readRecording(textSource('r.jsonl', text))).toThrow(words);
  });
});

describe('a file on disk', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coracle-recording-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each(['r.jsonl', 'r.jsonl.gz'])(
    '%s: a recorder that was killed is gone on with, and what it missed is seen',
    async (name) => {
      const path = join(folder, name);
      const clock = manualClock();
      const session = async (
        append: boolean,
        t: number,
        tell: (recorder: Recorder) => void,
      ): Promise<void> => {
        const file = await openRecordingFile(path, { clock, append });
        const recorder = new Recorder({ write: (line) => file.write(line) });
        recorder.begin(at(t));
        tell(recorder);
        await file.close();
      };
      await session(false, 0, (recorder) => {
        recorder.node(at(0), node('n1'));
        recorder.listed(at(0));
        recorder.pod(at(5), pod('gone', { created: 5, phase: 'Running', started: 5 }));
        recorder.pod(at(6), pod('stays', { created: 6, phase: 'Running', started: 6 }));
      });
      // Killed while it wrote: a piece of a line, or of a gzip member.
      const whole = readFileSync(path);
      const piece = name.endsWith('.gz') ? whole.subarray(0, 40) : Buffer.from('{"t":17');
      writeFileSync(path, Buffer.concat([whole, piece]));
      expect(readInput({ path }).workload!.count).toBe(2);
      await session(true, 100, (recorder) => {
        recorder.node(at(100), node('n1'));
        recorder.pod(at(100), pod('stays', { created: 6, phase: 'Running', started: 6 }));
        recorder.listed(at(100));
        recorder.pod(at(106), pod('stays', { created: 6, phase: 'Succeeded', started: 6, ended: 106 }));
      });
      const input = readInput({ path });
      expect(input.cluster!.nodes).toHaveLength(1);
      expect([...input.workload!.jobs()].map(({ submitMs, runMs, ends }) => [submitMs, runMs, ends])).toEqual(
        [
          [5000, 95_000, 'cancelled'],
          [6000, 100_000, undefined],
        ],
      );
      await expect(openRecordingFile(path, { clock })).rejects.toThrow('EEXIST');
    },
  );

  test('what waits is written after a while', async () => {
    const path = join(folder, 'r.jsonl');
    const clock = manualClock();
    const file = await openRecordingFile(path, { clock });
    file.write({ t: 1, listed: true });
    expect(readFileSync(path, 'utf8')).toBe('');
    await clock.advance(1000);
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('{"t":1,"listed":true}\n');
  });
});
