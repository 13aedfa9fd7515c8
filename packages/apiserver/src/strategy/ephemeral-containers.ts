/** What may be added to a running pod by its ephemeralcontainers subresource. */
import { deepEqual, type FieldError } from '@coracle/machinery';
import type { Container, EphemeralContainer, PodSpec } from '@coracle/machinery/api';
import { type ContainerContext, containerProblems } from './container-validation.ts';
import { duplicate, forbidden, notFound } from './fields.ts';

const field = 'spec.ephemeralContainers';
/** Nothing waits for an ephemeral container, and nothing is reserved for it. */
const refused = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resources',
  'resizePolicy',
  'restartPolicy',
] as const;

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === 'object' && Object.keys(value).length === 0);

function contentProblems(spec: PodSpec, containers: readonly EphemeralContainer[]): FieldError[] {
  const errors: FieldError[] = [];
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.name);
  const names = new Set(others);
  const volumes = spec.volumes ?? [];
  const context: ContainerContext = {
    volumes: new Set(volumes.map((volume) => volume.name)),
    claims: new Set(volumes.filter((v) => v.persistentVolumeClaim ?? v.ephemeral).map((v) => v.name)),
    resourceClaims: new Set((spec.resourceClaims ?? []).map((claim) => claim.name)),
  };
  containers.forEach((container, index) => {
    const at = `${field}[${index}]`;
    errors.push(...containerProblems(container as unknown as Container, context, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.includes(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    for (const key of refused)
      if (isSet((container as unknown as Container)[key]))
        errors.push(forbidden(`${at}.${key}`, 'cannot be set for an Ephemeral Container'));
    (container.volumeMounts ?? []).forEach((mount, place) => {
      for (const key of ['subPath', 'subPathExpr'] as const)
        if (mount[key])
          errors.push(
            forbidden(`${at}.volumeMounts[${place}].${key}`, 'cannot be set for an Ephemeral Container'),
          );
    });
  });
  return errors;
}

/** Problems of the whole new list, beside the pod's spec as it is: those that are there stay as they are. */
export function ephemeralContainerProblems(
  spec: PodSpec,
  containers: readonly EphemeralContainer[],
): FieldError[] {
  const errors: FieldError[] = [];
  for (const before of spec.ephemeralContainers ?? []) {
    const after = containers.find((container) => container.name === before.name);
    const quoted = JSON.stringify(before.name);
    if (!after) errors.push(forbidden(field, `existing ephemeral containers ${quoted} may not be removed`));
    else if (!deepEqual(after, before))
      errors.push(forbidden(field, `existing ephemeral containers ${quoted} may not be changed`));
  }
  return [...errors, ...contentProblems(spec, containers)];
}
