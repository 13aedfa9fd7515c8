/** The ReplicaSets of a Deployment: one for each template it has had. */
import { createHash } from 'node:crypto';
import { deepEqual } from '@coracle/machinery';
import type { Draft } from '@coracle/machinery';
import { Deployment } from '@coracle/machinery/api';
import type { ReplicaSet, core_v1 } from '@coracle/machinery/api';
import { controllerReference } from '../../lib/claim.ts';
import { milliseconds } from '../../lib/time.ts';

const hashLabel = 'pod-template-hash';
export const revisionKey = 'deployment.kubernetes.io/revision';
export const desiredKey = 'deployment.kubernetes.io/desired-replicas';
export const maxKey = 'deployment.kubernetes.io/max-replicas';
/** Annotations that are about one object and are not handed on. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  'deployment.kubernetes.io/revision-history',
  revisionKey,
  desiredKey,
  maxKey,
]);

export const replicasOf = (set: ReplicaSet): number => set.spec?.replicas ?? 1;
export const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;
export const revisionOf = (object: { metadata: ReplicaSet['metadata'] }): number =>
  Number(object.metadata.annotations?.[revisionKey] ?? 0) || 0;
export const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

function created(set: ReplicaSet): number {
  return milliseconds(set.metadata.creationTimestamp) ?? 0;
}

/** Oldest first; of equal age by name. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  return created(a) - created(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function withoutHash(template: core_v1.PodTemplateSpec | undefined): core_v1.PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** The set of the Deployment's template as it is now; the oldest when there are several. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec?.template);
  return sets.toSorted(byAge).find((set) => deepEqual(withoutHash(set.spec?.template), wanted));
}

/** Letters that make no words, as names of this kind use (apimachinery's safe encoding). */
const letters = 'bcdfghjklmnpqrstvwxz2456789';

/** A short text that differs between templates (and with `collisions`, the times that was not so). */
export function templateHash(template: core_v1.PodTemplateSpec | undefined, collisions: number): string {
  const digest = createHash('sha256')
    .update(`${collisions}:${canonical(template)}`)
    .digest();
  return [...digest.subarray(0, 10)].map((byte) => letters[byte % letters.length]).join('');
}

/** JSON with sorted keys: the same for equal values in whatever order they came. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export function copiedAnnotations(deployment: Deployment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key)),
  );
}

/** A new set with no pods yet. */
export function newSet(deployment: Deployment, revision: number): Draft<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: { ...copiedAnnotations(deployment), [revisionKey]: `${revision}` },
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}
