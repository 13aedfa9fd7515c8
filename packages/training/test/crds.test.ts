import { applyDefaults, type Schema, unknownFields, validate } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import {
  ClusterTrainingRuntime,
  decideTrainJob,
  JobSet,
  trainingCrds,
  TrainingRuntime,
  trainingRuntimes,
  TrainJob,
} from '../src/index.ts';

interface Definition {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: { plural: string; kind: string };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      subresources?: object;
      schema: { openAPIV3Schema: Schema };
    }[];
  };
}
const definitions = trainingCrds() as Definition[];
const schemaOf = (kind: string): Schema =>
  definitions.find((d) => d.spec.names.kind === kind)!.spec.versions[0]!.schema.openAPIV3Schema;

/** What of an object its schema does not know or does not allow. The API server knows the fields of `metadata` by itself. */
const problems = (object: { kind?: string | undefined }): unknown[] => {
  const schema = schemaOf(object.kind!);
  const unknown = unknownFields(schema, object).filter((path) => !path.startsWith('metadata.'));
  return [...unknown, ...validate(schema, object)];
};

describe('the definitions', () => {
  test('are of the kinds and versions that this package works with', () => {
    expect(
      definitions.map(({ metadata, spec }) => [
        metadata.name,
        spec.versions[0]?.name,
        spec.names.kind,
        spec.scope,
      ]),
    ).toEqual(
      [JobSet, TrainJob, TrainingRuntime, ClusterTrainingRuntime].map((type) => [
        `${type.resource}.${type.group}`,
        type.version,
        type.kind,
        type.namespaced ? 'Namespaced' : 'Cluster',
      ]),
    );
    for (const { spec } of definitions)
      expect(spec.versions[0]).toMatchObject({ served: true, storage: true });
  });

  test('are whole: no reference is left, and no prose came along', () => {
    const text = JSON.stringify(definitions);
    expect(text).not.toContain('$part');
    expect(text).not.toMatch(/"description":"/);
    // A field of that name would be an object, not a text.
    expect(schemaOf('JobSet').properties?.['spec']?.properties?.['replicatedJobs']?.items?.required).toEqual([
      'name',
      'template',
    ]);
  });

  test('complete a JobSet as upstream’s webhook does', () => {
    const jobSet = {
      apiVersion: 'jobset.x-k8s.io/v1alpha2',
      kind: 'JobSet',
      metadata: { name: 'js' },
      spec: {
        network: { subdomain: 'net' },
        replicatedJobs: [
          { name: 'a', template: { spec: { template: { spec: { containers: [{ name: 'c' }] } } } } },
        ],
        failurePolicy: { rules: [{ action: 'FailJobSet' }] },
      },
    };
    expect(problems(jobSet)).toEqual([]);
    applyDefaults(schemaOf('JobSet'), jobSet);
    expect(jobSet.spec).toEqual({
      network: { subdomain: 'net', enableDNSHostnames: true, publishNotReadyAddresses: true },
      successPolicy: { operator: 'All' },
      startupPolicy: { startupPolicyOrder: 'AnyOrder' },
      failurePolicy: { restartStrategy: 'Recreate', rules: [{ action: 'FailJobSet' }] },
      replicatedJobs: [
        {
          name: 'a',
          groupName: 'default',
          replicas: 1,
          template: {
            spec: {
              completionMode: 'Indexed',
              template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c' }] } },
            },
          },
        },
      ],
    });
  });

  test('fit the built-in runtimes and the JobSets made from them', () => {
    for (const runtime of trainingRuntimes() as ClusterTrainingRuntime[]) {
      expect(problems(runtime), runtime.metadata.name).toEqual([]);
      const trainJob = {
        apiVersion: 'trainer.kubeflow.org/v1alpha1',
        kind: 'TrainJob',
        metadata: {
          name: 'tj',
          namespace: 'ml',
          uid: 'u',
          resourceVersion: '1',
          creationTimestamp: '2026-01-01T00:00:00Z',
        },
        spec: {
          runtimeRef: { name: runtime.metadata.name },
          trainer: { numNodes: 2, command: ['train'], resourcesPerNode: { limits: { 'nvidia.com/gpu': 1 } } },
        },
      } as unknown as TrainJob;
      expect(problems(trainJob)).toEqual([]);
      const decision = decideTrainJob({
        trainJob,
        runtime: { labels: runtime.metadata.labels ?? {}, spec: runtime.spec },
        jobSet: undefined,
        now: 0,
      });
      expect(
        problems({ apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', ...decision.createJobSet }),
      ).toEqual([]);
    }
  });
});
