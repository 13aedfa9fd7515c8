/** Small plugins that complete pods: priority, tolerations, runtime classes. */
import type { node_v1, Pod, scheduling_v1, scheduling_v1alpha2, Toleration } from '@coracle/machinery/api';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { about, type AdmissionDeps, createdPod, refuse } from './common.ts';

type PriorityClass = scheduling_v1.PriorityClass;

/** The classes upstream creates at start: they resolve even before their objects exist. */
const systemClasses: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export function priority({ lookup }: AdmissionDeps): AdmissionPlugin {
  const group = 'scheduling.k8s.io';
  /** Of a list that is the same array as long as nothing in it changes. */
  let known: { classes: readonly unknown[]; found: PriorityClass | undefined } | undefined;
  function defaultClass(): PriorityClass | undefined {
    const classes = lookup.list(group, 'priorityclasses') as unknown as PriorityClass[];
    if (known?.classes !== classes)
      known = {
        classes,
        found: classes
          .filter((one) => one.globalDefault === true)
          .toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0],
      };
    return known.found;
  }
  function resolve(
    request: AdmissionRequest,
    name: string | undefined,
  ): { name: string; value: number; preemptionPolicy: string } {
    if (!name) {
      const found = defaultClass();
      return found
        ? {
            name: found.metadata.name,
            value: found.value ?? 0,
            preemptionPolicy: found.preemptionPolicy ?? 'PreemptLowerPriority',
          }
        : { name: '', value: 0, preemptionPolicy: 'PreemptLowerPriority' };
    }
    const found = lookup.get(group, 'priorityclasses', '', name) as PriorityClass | undefined;
    const value = found?.value ?? systemClasses[name];
    if (value === undefined) throw refuse(request, `no PriorityClass with name ${name} was found`);
    return { name, value, preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority' };
  }
  return {
    name: 'Priority',
    completes: true,
    mutate(request) {
      if (request.operation !== 'CREATE') return;
      const pod = createdPod(request);
      if (pod?.spec) {
        const { spec } = pod;
        const chosen = resolve(request, spec.priorityClassName);
        if (spec.priority != null && spec.priority !== chosen.value)
          throw refuse(
            request,
            `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${chosen.value} from the given PriorityClass name`,
          );
        if (spec.preemptionPolicy && spec.preemptionPolicy !== chosen.preemptionPolicy)
          throw refuse(
            request,
            `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${chosen.preemptionPolicy} from the given PriorityClass name`,
          );
        if (chosen.name) spec.priorityClassName = chosen.name;
        spec.priority = chosen.value;
        spec.preemptionPolicy = chosen.preemptionPolicy;
      } else if (about(request, group, 'podgroups')) {
        const spec = request.object?.['spec'] as scheduling_v1alpha2.PodGroupSpec | undefined;
        if (!spec || typeof spec !== 'object') return;
        const chosen = resolve(request, spec.priorityClassName);
        if (chosen.name) spec.priorityClassName = chosen.name;
        spec.priority = chosen.value;
      }
    },
    validate(request) {
      if (!about(request, group, 'priorityclasses') || !request.object) return;
      const created = request.object as unknown as PriorityClass;
      if (request.operation === 'DELETE' || created.globalDefault !== true) return;
      const other = defaultClass();
      if (other && other.metadata.name !== created.metadata.name)
        throw refuse(
          request,
          `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
        );
    },
  };
}

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

const tolerates = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

/** Pods leave a node that has been not ready or unreachable for five minutes, unless they say otherwise. */
export function defaultTolerationSeconds(): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    completes: true,
    mutate(request) {
      const spec = createdPod(request)?.spec;
      if (!spec) return;
      const present = Array.isArray(spec.tolerations) ? spec.tolerations : [];
      if (present.some((toleration) => tolerates(toleration, notReady) && tolerates(toleration, unreachable)))
        return;
      const added: Toleration[] = [notReady, unreachable]
        .filter((key) => !present.some((toleration) => tolerates(toleration, key)))
        .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
      if (added.length > 0) spec.tolerations = [...present, ...added];
    },
  };
}

/** A new node takes no pods until the node controller has seen it ready. */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    completes: true,
    mutate(request) {
      if (request.operation !== 'CREATE' || !about(request, '', 'nodes') || !request.object) return;
      const spec = (request.object['spec'] ??= {}) as { taints?: { key: string; effect: string }[] };
      if (typeof spec !== 'object') return;
      const taints = Array.isArray(spec.taints) ? spec.taints : [];
      if (taints.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule')) return;
      spec.taints = [...taints, { key: notReady, effect: 'NoSchedule' }];
    },
  };
}

/** A pod of a runtime class takes over the class's overhead, node selector and tolerations. */
export function runtimeClass({ lookup }: AdmissionDeps): AdmissionPlugin {
  const find = (request: AdmissionRequest, pod: Pod): node_v1.RuntimeClass | undefined => {
    const name = pod.spec?.runtimeClassName;
    if (!name) return undefined;
    const found = lookup.get('node.k8s.io', 'runtimeclasses', '', name);
    if (!found) throw refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found as unknown as node_v1.RuntimeClass;
  };
  return {
    name: 'RuntimeClass',
    completes: true,
    mutate(request) {
      const pod = createdPod(request);
      if (!pod?.spec) return;
      const found = find(request, pod);
      if (!found) return;
      const { scheduling, overhead } = found;
      for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
        const own = pod.spec.nodeSelector?.[key];
        if (own !== undefined && own !== value)
          throw refuse(
            request,
            `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
          );
        pod.spec.nodeSelector = { ...pod.spec.nodeSelector, [key]: value };
      }
      if (scheduling?.tolerations)
        pod.spec.tolerations = [...(pod.spec.tolerations ?? []), ...structuredClone(scheduling.tolerations)];
      if (overhead?.podFixed) pod.spec.overhead = { ...overhead.podFixed };
    },
    validate(request) {
      const pod = createdPod(request);
      if (pod?.spec?.overhead && !pod.spec.runtimeClassName)
        throw refuse(
          request,
          'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
        );
    },
  };
}
