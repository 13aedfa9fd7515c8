/** Stages behind the real API: the kind is served, its schema holds, and patches are merged as the server merges them. */
import { ApiError } from '@coracle/machinery';
import { Event, Job, Pod } from '@coracle/machinery/api';
import { createLogger } from '@coracle/operator';
import { expect, test } from 'vitest';
import { startEngine } from '../src/engine/engine.ts';
import { Stage, type StageSpec } from '../../node/src/virtual/stages/stage-type.ts';

const pods = { apiGroup: 'v1', kind: 'Pod' };
const alive = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const stages: Record<string, StageSpec> = {
  begin: {
    resourceRef: pods,
    selector: { matchExpressions: [alive, { key: '.status.podIP', operator: 'DoesNotExist' }] },
    delay: { durationMilliseconds: 50, jitterDurationMilliseconds: 100 },
    next: {
      event: { type: 'Normal', reason: 'Begun', message: 'it runs' },
      statusTemplate: `
conditions:
- { type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }} }
podIP: {{ PodIP | Quote }}
phase: Running
`,
    },
  },
  end: {
    resourceRef: pods,
    selector: {
      matchExpressions: [
        alive,
        { key: '.status.phase', operator: 'In', values: ['Running'] },
        { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] },
      ],
    },
    next: { statusTemplate: 'phase: Succeeded' },
  },
  odd: { resourceRef: pods, selector: {}, weightFrom: { cel: { expression: 'some' } } },
};

test('a Job ends as Stages say, and a Stage that is not understood says so', async () => {
  const engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    nodeName: false,
    virtualNodes: 3,
    logger: createLogger({ level: 'error', write: () => {} }),
  });
  try {
    const { admin } = engine;
    for (const [name, spec] of Object.entries(stages))
      await admin.create(Stage, { metadata: { name }, spec } as never);
    await expect(
      admin.create(Stage, { metadata: { name: 'bad' }, spec: { weight: -1 } } as never),
    ).rejects.toBeInstanceOf(ApiError);
    const container = { name: 'main', image: 'example.org/none' };
    await admin.create(
      Job,
      {
        metadata: { name: 'j', namespace: 'default' },
        spec: {
          completions: 2,
          parallelism: 2,
          template: { spec: { restartPolicy: 'Never', containers: [container] } },
        },
      },
      { namespace: 'default' },
    );
    await expect
      .poll(async () => (await admin.get(Job, 'j', { namespace: 'default' })).status?.succeeded, {
        timeout: 15_000,
      })
      .toBe(2);
    const [pod] = (await admin.list(Pod, { namespace: 'default' })).items;
    // Merged by type: the scheduler's condition is kept.
    expect(pod?.status?.conditions?.map(({ type }) => type).toSorted()).toEqual(['PodScheduled', 'Ready']);
    const reasons = async (): Promise<string[]> =>
      (await admin.list(Event, {})).items.map(
        ({ reason, involvedObject }) => `${involvedObject.name} ${reason}`,
      );
    await expect.poll(reasons, { timeout: 15_000 }).toContain('odd StageNotUnderstood');
    await expect.poll(reasons, { timeout: 15_000 }).toContain(`${pod?.metadata.name} Begun`);
  } finally {
    await engine.close();
  }
});
