/** Pods: creation state, what may change afterwards, deletion grace. */
import { type FieldError, formatTime, type Unstructured } from '@coracle/machinery';
import type { Container, LabelSelector, Pod, PodSpec, PodStatus, Toleration } from '@coracle/machinery/api';
import type { Strategy, StrategyContext } from '../contracts.ts';
import { forbidden, invalid, isPart, objects, required, same, specOf } from './fields.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { podSpecProblems } from './pod-validation.ts';
import { qosClass } from './qos.ts';
import { tolerationProblems } from './scheduling-validation.ts';

const podOf = (object: Unstructured): Pod => object as unknown as Pod;
const text = (value: string | undefined): string => value ?? '';

/** matchLabelKeys become part of the selector, with the pod's own values. */
function mergeLabelKeys(pod: Pod): void {
  if (!pod.spec?.affinity && !pod.spec?.topologySpreadConstraints) return;
  const labels = pod.metadata.labels ?? {};
  const add = (
    selector: LabelSelector | undefined,
    keys: string[] | undefined,
    operator: 'In' | 'NotIn',
  ): void => {
    if (!selector || !Array.isArray(keys)) return;
    for (const key of keys) {
      const value = labels[key];
      if (value === undefined) continue;
      const expression = { key, operator, values: [value] };
      if ((selector.matchExpressions ?? []).some((known) => same(known, expression))) continue;
      selector.matchExpressions = [...(selector.matchExpressions ?? []), expression];
    }
  };
  const affinity = pod.spec?.affinity;
  for (const kind of [affinity?.podAffinity, affinity?.podAntiAffinity]) {
    const terms = [
      ...objects(kind?.requiredDuringSchedulingIgnoredDuringExecution),
      ...objects(kind?.preferredDuringSchedulingIgnoredDuringExecution).map((term) => term.podAffinityTerm),
    ];
    for (const term of terms) {
      add(term?.labelSelector, term?.matchLabelKeys, 'In');
      add(term?.labelSelector, term?.mismatchLabelKeys, 'NotIn');
    }
  }
  for (const constraint of objects(pod.spec?.topologySpreadConstraints))
    add(constraint.labelSelector, constraint.matchLabelKeys, 'In');
}

function safeQos(spec: PodSpec): string {
  try {
    return qosClass(spec);
  } catch {
    return 'BestEffort'; // Malformed quantities: the schema refuses the pod.
  }
}

function prepareForCreate(object: Unstructured, context: StrategyContext): void {
  const pod = podOf(object);
  const spec = specOf<PodSpec>(object);
  if (!spec) return;
  mergeLabelKeys(pod);
  const status: PodStatus = { phase: 'Pending', qosClass: safeQos(spec) };
  if (objects(spec.schedulingGates).length > 0) {
    status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
        lastTransitionTime: formatTime(context.now),
      },
    ];
  }
  object['status'] = status;
}

const changeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const images = (list: Container[] | undefined, before: Container[] | undefined): Container[] | undefined =>
  list?.map((container, index) => ({ ...container, image: before?.[index]?.image }));

/** The spec with everything that may change put back to the old values. */
function frozenSpec(spec: PodSpec, old: PodSpec): PodSpec {
  const gated = (old.schedulingGates ?? []).length > 0;
  const result: PodSpec = {
    ...spec,
    containers: images(spec.containers, old.containers) ?? [],
    initContainers: images(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    result.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  if (gated) {
    // A gated pod has not been scheduled: its constraints may be tightened.
    if (Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value))
      result.nodeSelector = old.nodeSelector;
    if (tightened(spec, old)) result.affinity = old.affinity;
  }
  return result;
}

const rest = (part: PodSpec): unknown => ({ ...part.affinity, nodeAffinity: undefined });

const terms = (part: PodSpec) =>
  part.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

const kept = (list: unknown[] | undefined, next: unknown[] | undefined): boolean =>
  (list ?? []).every((item, at) => same(item, next?.[at]));

/** Is the node affinity only narrower than before (upstream's rule for gated pods)? */
function tightened(spec: PodSpec, old: PodSpec): boolean {
  if (!same(rest(spec), rest(old))) return false;
  const before = terms(old);
  if (!before || before.length === 0) return true;
  const after = terms(spec) ?? [];
  if (after.length !== before.length) return false;
  return before.every((term, index) => {
    const now = after[index];
    return (
      now !== undefined &&
      kept(term.matchExpressions, now.matchExpressions) &&
      kept(term.matchFields, now.matchFields)
    );
  });
}

const key = (t: Toleration): string => JSON.stringify([t.key, t.operator, t.value, t.effect]);

function tolerationChange(next: Toleration[], before: Toleration[]): FieldError[] {
  const at = 'spec.tolerations';
  const now = new Map(next.map((toleration) => [key(toleration), toleration]));
  // Existing ones stay; only tolerationSeconds of an existing one may change.
  return before.every((toleration) => now.has(key(toleration)))
    ? tolerationProblems(next, at)
    : [forbidden(at, 'existing toleration can not be modified except its tolerationSeconds')];
}

function validateUpdate(object: Unstructured, oldObject: Unstructured): FieldError[] {
  const spec = podOf(object).spec ?? { containers: [] };
  const old = podOf(oldObject).spec ?? { containers: [] };
  const errors: FieldError[] = [];
  const counts: [Container[] | undefined, Container[] | undefined, string][] = [
    [spec.containers, old.containers, 'spec.containers'],
    [spec.initContainers, old.initContainers, 'spec.initContainers'],
  ];
  for (const [now, before, field] of counts)
    if ((now ?? []).length !== (before ?? []).length)
      errors.push(forbidden(field, 'pod updates may not add or remove containers'));
  if (errors.length > 0) return errors;
  for (const [now, , field] of counts)
    (now ?? []).forEach((container, index) => {
      if (!container.image) errors.push(required(`${field}[${index}].image`));
      else if (container.image.trim() !== container.image)
        errors.push(
          invalid(
            `${field}[${index}].image`,
            container.image,
            'must not have leading or trailing whitespace',
          ),
        );
    });
  const deadline = spec.activeDeadlineSeconds;
  const deadlineBefore = old.activeDeadlineSeconds;
  if (typeof deadline === 'number') {
    if (deadline < 0 || deadline > 2147483647)
      errors.push(
        invalid('spec.activeDeadlineSeconds', deadline, 'must be between 0 and 2147483647, inclusive'),
      );
    else if (typeof deadlineBefore === 'number' && deadlineBefore < deadline)
      errors.push(
        invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value'),
      );
  } else if (typeof deadlineBefore === 'number')
    errors.push(
      invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'),
    );
  const gates = new Set((old.schedulingGates ?? []).map((gate) => gate.name));
  for (const gate of spec.schedulingGates ?? [])
    if (!gates.has(gate.name))
      errors.push(
        forbidden(
          'spec.schedulingGates',
          "only deletion is allowed, but found new scheduling gate '" + gate.name + "'",
        ),
      );
  errors.push(...tolerationChange(spec.tolerations ?? [], old.tolerations ?? []));
  if (!same(frozenSpec(spec, old), old)) errors.push(forbidden('spec', changeable));
  return errors;
}

const terminal = (status: PodStatus | undefined): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

function validateStatus(object: Unstructured, oldObject: Unstructured): FieldError[] {
  const pod = podOf(object);
  const old = podOf(oldObject);
  const errors: FieldError[] = [];
  if (!same(pod.spec?.nodeName, old.spec?.nodeName))
    errors.push(forbidden('status.nodeName', 'may not be changed directly'));
  if (terminal(old.status) && !terminal(pod.status))
    errors.push(invalid('status.phase', pod.status?.phase, 'may not leave a terminal phase'));
  // A terminated container of a pod that never restarts stays terminated.
  if (pod.spec?.restartPolicy === 'Never') {
    const before = new Map((old.status?.containerStatuses ?? []).map((status) => [status.name, status]));
    (pod.status?.containerStatuses ?? []).forEach((status, index) => {
      if (before.get(status.name)?.state?.terminated && !status.state?.terminated)
        errors.push(
          forbidden(
            `status.containerStatuses[${index}].state`,
            'may not be transitioned to non-terminated state',
          ),
        );
    });
  }
  return errors;
}

export const pods: Strategy = {
  defaults(object) {
    const spec = specOf<PodSpec>(object);
    if (isPart(spec)) defaultPodSpec(spec, false);
  },
  prepareForCreate,
  prepareForUpdate(object, old) {
    // Status is kept by the generic code; the class of service never changes with the spec's allowed changes.
    object['status'] = old['status'];
  },
  leavesStatusParts: true,
  prepareForStatusUpdate(object, old) {
    const status = podOf(object).status;
    const before = podOf(old).status;
    if (status && before?.qosClass) status.qosClass ??= before.qosClass;
  },
  validatesSpec: true,
  validate(object) {
    const pod = podOf(object);
    const errors = podSpecProblems(pod.spec ?? { containers: [] }, 'spec');
    if ((pod.spec?.ephemeralContainers ?? []).length > 0)
      errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
    if ((pod.spec?.schedulingGates ?? []).length > 0 && pod.spec?.nodeName)
      errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
    return errors;
  },
  validateUpdate,
  validateStatusUpdate: validateStatus,
  fields: {
    'spec.nodeName': (object) => text(podOf(object).spec?.nodeName),
    'spec.restartPolicy': (object) => text(podOf(object).spec?.restartPolicy),
    'spec.schedulerName': (object) => text(podOf(object).spec?.schedulerName),
    'spec.serviceAccountName': (object) => text(podOf(object).spec?.serviceAccountName),
    'spec.hostNetwork': (object) => String(podOf(object).spec?.hostNetwork === true),
    'status.phase': (object) => text(podOf(object).status?.phase),
    'status.podIP': (object) => text(podOf(object).status?.podIP),
    'status.podIPs': (object) => (podOf(object).status?.podIPs ?? []).map((ip) => ip.ip).join(','),
    'status.nominatedNodeName': (object) => text(podOf(object).status?.nominatedNodeName),
  },
  gracePeriodSeconds(object, asked) {
    const pod = podOf(object);
    const seconds = asked ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
    // Nobody runs an unbound or finished pod: it can go at once.
    if (!pod.spec?.nodeName) return 0;
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
    return seconds < 0 ? 1 : seconds;
  },
};
