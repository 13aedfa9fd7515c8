/** What a resize may change of a pod: cpu and memory of containers and sidecars, within the pod's class of service. */
import { type FieldError, parseQuantity } from '@coracle/machinery';
import type { Container, PodSpec, ResourceRequirements } from '@coracle/machinery/api';
import { forbidden, invalid } from './fields.ts';
import { qosClass } from './qos.ts';
import { resourceProblems } from './resource-validation.ts';

const sameAmount = (a: string | undefined, b: string | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && parseQuantity(a).cmp(parseQuantity(b)) === 0);

function listProblems(
  next: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const part of ['requests', 'limits'] as const) {
    const [now, before] = [next?.[part] ?? {}, old?.[part] ?? {}];
    for (const name of new Set([...Object.keys(now), ...Object.keys(before)])) {
      if (name !== 'cpu' && name !== 'memory') {
        if (!sameAmount(now[name], before[name]))
          errors.push(forbidden(`${at}.${part}`, 'only cpu and memory resources are mutable'));
      } else if (now[name] === undefined)
        errors.push(forbidden(`${at}.${part}`, `resource ${part} cannot be removed`));
    }
  }
  return errors;
}

const named = (list: readonly Container[] | undefined): string =>
  (list ?? []).map((container) => container.name).join('\n');

/** Were containers added, removed or re-ordered? A resize with other containers is no resize. */
export function otherContainers(wanted: PodSpec | undefined, old: PodSpec | undefined): FieldError[] {
  return (['containers', 'initContainers'] as const)
    .filter((list) => named(wanted?.[list]) !== named(old?.[list]))
    .map((list) => forbidden(`spec.${list}`, `${list} may not be added or removed on resize`));
}

/** Problems of the spec after a resize of `old`. */
export function resizeProblems(next: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const)
    (next[list] ?? []).forEach((container, index) => {
      const at = `spec.${list}[${index}].resources`;
      const before = old[list]?.[index];
      errors.push(
        ...resourceProblems(container.resources, at),
        ...listProblems(container.resources, before?.resources, at),
      );
      const changed = JSON.stringify(container.resources ?? {}) !== JSON.stringify(before?.resources ?? {});
      if (list === 'initContainers' && container.restartPolicy !== 'Always' && changed)
        errors.push(forbidden(at, 'resources of non-sidecar init containers are immutable'));
    });
  if (errors.length > 0) return errors;
  const [now, before] = [qosClass(next), qosClass(old)];
  return now === before ? [] : [invalid('spec', now, 'Pod QOS Class may not change as a result of resizing')];
}
