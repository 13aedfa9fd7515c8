import { describe, expect, test } from 'vitest';
import type { Unstructured } from '@coracle/machinery';
import { inDirectory, trainJobFor, workingDirectoryAnnotation } from '../src/run/train-job.ts';

const job = (extra: object = {}): Unstructured =>
  trainJobFor({
    namespace: 'default',
    command: ['python', 'My_Train.py', '--lr', '0.1'],
    workers: 4,
    gpus: 1,
    cpu: '500m',
    memory: '1Gi',
    env: ['SEED=1', 'URL=http://x/?a=b'],
    directory: '/work',
    runtime: 'plain',
    random: () => 0,
    ...extra,
  });

describe('the TrainJob of a command', () => {
  test('carries workers, resources, environment and the folder it starts in', () => {
    expect(job()).toMatchObject({
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'TrainJob',
      metadata: { name: 'my-train-bbbbb', namespace: 'default' },
      spec: {
        runtimeRef: { name: 'plain' },
        trainer: {
          numNodes: 4,
          command: ['python', 'My_Train.py', '--lr', '0.1'],
          env: [
            { name: 'SEED', value: '1' },
            { name: 'URL', value: 'http://x/?a=b' },
          ],
          resourcesPerNode: {
            requests: { cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': '1' },
            limits: { memory: '1Gi', 'nvidia.com/gpu': '1' },
          },
        },
      },
    });
    expect(JSON.stringify(job())).toContain(`"${workingDirectoryAnnotation}":"/work"`);
  });

  test('a name that is given is used; without resources there are none', () => {
    const plain = job({ name: 'mine', gpus: 0, cpu: undefined, memory: undefined, env: [] });
    expect(plain.metadata.name).toBe('mine');
    expect((plain['spec'] as { trainer: object }).trainer).not.toHaveProperty('resourcesPerNode');
  });

  test('--env without a value is refused', () => {
    expect(() => job({ env: ['SEED'] })).toThrow('write NAME=value');
  });
});

describe('the note of where a process starts', () => {
  const pod = { metadata: {}, spec: { containers: [] } };
  const note = { annotations: { [workingDirectoryAnnotation]: '/here' } };
  test.each([
    ['Pod', { kind: 'Pod', ...pod }, { metadata: note }],
    ['Job', { kind: 'Job', spec: { template: pod } }, { spec: { template: { metadata: note } } }],
    [
      'JobSet',
      { kind: 'JobSet', spec: { replicatedJobs: [{ template: { spec: { template: pod } } }] } },
      { spec: { replicatedJobs: [{ template: { spec: { template: { metadata: note } } } }] } },
    ],
  ])('is put on the pods of a %s', (_, object, expected) => {
    expect(inDirectory(object as unknown as Unstructured, '/here')).toMatchObject(expected);
  });

  test('changes neither its input, nor a note that is there, nor kinds that run nothing', () => {
    const config = { kind: 'ConfigMap', metadata: {} } as unknown as Unstructured;
    expect(inDirectory(config, '/here')).toEqual(config);
    const noted = {
      kind: 'Pod',
      metadata: { annotations: { [workingDirectoryAnnotation]: '/there' } },
    } as unknown as Unstructured;
    expect(inDirectory(noted, '/here')).toEqual(noted);
    const fresh = { kind: 'Pod', metadata: {} } as unknown as Unstructured;
    inDirectory(fresh, '/here');
    expect(fresh).toEqual({ kind: 'Pod', metadata: {} });
  });
});
