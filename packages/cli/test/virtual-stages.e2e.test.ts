/** Stages behind the real API: the kind is served, its schema holds, and patches are merged as the server merges them. */
import { ApiError } from '@coracle/machinery';
import { Event, Job, Node, Pod } from '@coracle/machinery/api';
import { createLogger } from '@coracle/operator';
import { loadAll } from 'js-yaml';
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

/** What manifests of Stages have: node and pod life cycles by labels and annotations, with weights, delays, finalizers and CEL. */
const manifests = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: node-lost }
spec:
  resourceRef: { apiGroup: v1, kind: Node }
  selector:
    matchLabels: { example.org/lost: "true" }
    matchExpressions:
      - { key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: In, values: ["True"] }
  weight: 1
  weightFrom: { expressionFrom: '.metadata.annotations["example.org/weight"]' }
  delay: { durationMilliseconds: 10, jitterDurationMilliseconds: 20 }
  next:
    statusTemplate: |
      conditions:
      {{ range NodeConditions }}
      {{ if eq .type "Ready" }}
      - { type: Ready, status: "False", reason: Lost, message: {{ "power is out" | Quote }}, lastTransitionTime: {{ Now | Quote }} }
      {{ end }}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: node-mended }
spec:
  resourceRef: { kind: Node }
  selector:
    matchExpressions:
      - cel: { expression: '!has(self.metadata.labels) || !("example.org/lost" in self.metadata.labels)' }
      - cel: { expression: 'self.status.conditions.exists(c, c.type == "Ready" && c.status != "True")' }
  next:
    event: { type: Normal, reason: Mended, message: power is back }
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range NodeConditions }}
      - lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ $now | Quote }}
        message: {{ .message | Quote }}
        reason: {{ .reason | Quote }}
        status: {{ .status | Quote }}
        type: {{ .type | Quote }}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: pod-runs }
spec:
  resourceRef: { kind: Pod }
  selector:
    matchExpressions:
      - { key: .metadata.deletionTimestamp, operator: DoesNotExist }
      - { key: .status.podIP, operator: DoesNotExist }
  delay: { durationFrom: { cel: { expression: 'duration("20ms")' } } }
  next:
    finalizers: { add: [{ value: example.org/held }] }
    patches:
      - { root: metadata, template: 'annotations: { example.org/ran: {{ Now | Quote }} }', type: merge }
      - { subresource: status, root: status, template: '{ phase: Running, podIP: {{ PodIP | Quote }} }' }
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: pod-goes }
spec:
  resourceRef: { kind: Pod }
  selector:
    matchAnnotations: { example.org/kind: held }
    matchExpressions:
      - { key: .metadata.deletionTimestamp, operator: Exists }
  delay: { durationMilliseconds: 0, jitterDurationFrom: { expressionFrom: '.metadata.annotations["example.org/in"]' } }
  next: { finalizers: { remove: [{ value: example.org/held }] }, delete: true }
`;

test('nodes are lost and mended, and pods are held and let go, as manifests of Stages say', async () => {
  const engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    nodeName: false,
    virtualNodes: 2,
    seed: 7,
    logger: createLogger({ level: 'error', write: () => {} }),
  });
  try {
    const { admin } = engine;
    for (const stage of loadAll(manifests) as Stage[]) await admin.create(Stage, stage);
    const ready = async (name: string): Promise<string | undefined> => {
      const node = await admin.get(Node, name);
      return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    };
    const lost = (value: string | null): Promise<Node> =>
      admin.patch(Node, 'virtual-1', 'merge', { metadata: { labels: { 'example.org/lost': value } } });
    await lost('true');
    await expect.poll(() => ready('virtual-1'), { timeout: 10_000 }).toBe('False');
    expect(await ready('virtual-0')).toBe('True');
    await lost(null);
    await expect.poll(() => ready('virtual-1'), { timeout: 10_000 }).toBe('True');

    const annotations = { 'example.org/kind': 'held', 'example.org/in': '30ms' };
    const namespace = 'default';
    await admin.create(
      Pod,
      {
        metadata: { name: 'held', namespace, annotations },
        spec: { containers: [{ name: 'main', image: 'i' }] },
      },
      { namespace },
    );
    await expect
      .poll(async () => (await admin.get(Pod, 'held', { namespace })).status?.phase, { timeout: 10_000 })
      .toBe('Running');
    const { metadata } = await admin.get(Pod, 'held', { namespace });
    expect(metadata.finalizers).toEqual(['example.org/held']);
    expect(metadata.annotations?.['example.org/ran']).toMatch(/^20/);
    await admin.delete(Pod, 'held', { namespace });
    await expect
      .poll(async () => (await admin.list(Pod, { namespace })).items.length, { timeout: 10_000 })
      .toBe(0);
    const events = (await admin.list(Event, {})).items.map(({ reason }) => reason);
    expect(events).not.toContain('StageNotUnderstood');
    expect(events).not.toContain('StageFailed');
  } finally {
    await engine.close();
  }
});
