/** HorizontalPodAutoscaler: stored as v2; v1 is the same object with only a CPU target. */
import { type FieldError, type Unstructured } from '@coracle/machinery';
import type { autoscaling_v1, autoscaling_v2 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { invalid, isPart, notSupported, required, specOf, validSpec } from './fields.ts';

type SpecV1 = autoscaling_v1.HorizontalPodAutoscalerSpec;
type SpecV2 = autoscaling_v2.HorizontalPodAutoscalerSpec;

const extra = 'autoscaling.alpha.kubernetes.io/';
const keys = {
  metrics: `${extra}metrics`,
  current: `${extra}current-metrics`,
  conditions: `${extra}conditions`,
  behavior: `${extra}behavior`,
};

const isCpu = (metric: { type: string; resource?: { name: string } | undefined }): boolean =>
  metric.type === 'Resource' && metric.resource?.name === 'cpu';

function parsed<T>(text: string | undefined): T | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** v1 to v2. What v1 cannot say travels in annotations, as upstream's conversion does (in v2's field names). */
function fromV1(object: Unstructured): Unstructured {
  const spec = (object['spec'] ?? {}) as SpecV1;
  const status = (object['status'] ?? undefined) as autoscaling_v1.HorizontalPodAutoscalerStatus | undefined;
  const annotations = { ...object.metadata?.annotations };
  const metrics = parsed<autoscaling_v2.MetricSpec[]>(annotations[keys.metrics]) ?? [];
  const behavior = parsed<autoscaling_v2.HorizontalPodAutoscalerBehavior>(annotations[keys.behavior]);
  const current = parsed<autoscaling_v2.MetricStatus[]>(annotations[keys.current]) ?? [];
  const conditions = parsed<autoscaling_v2.HorizontalPodAutoscalerCondition[]>(annotations[keys.conditions]);
  for (const key of Object.values(keys)) delete annotations[key];
  const { targetCPUUtilizationPercentage: target, ...rest } = spec;
  if (target != null)
    metrics.unshift({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
    });
  const result: Unstructured = {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: { ...object.metadata },
    spec: { ...rest, ...(metrics.length > 0 ? { metrics } : {}), ...(behavior ? { behavior } : {}) },
  };
  if (Object.keys(annotations).length > 0) result.metadata.annotations = annotations;
  else delete (result.metadata as { annotations?: unknown }).annotations;
  if (status) {
    const { currentCPUUtilizationPercentage: cpu, ...kept } = status;
    if (cpu != null)
      current.unshift({ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } });
    result['status'] = {
      ...kept,
      ...(current.length > 0 ? { currentMetrics: current } : {}),
      ...(conditions ? { conditions } : {}),
    };
  }
  return result;
}

/** v2 to v1. */
function toV1(object: Unstructured): Unstructured {
  const { metrics = [], behavior, ...spec } = (object['spec'] ?? {}) as SpecV2;
  const status = object['status'] as autoscaling_v2.HorizontalPodAutoscalerStatus | undefined;
  const cpu = metrics.find((metric) => isCpu(metric) && metric.resource?.target.type === 'Utilization');
  const others = metrics.filter((metric) => metric !== cpu);
  const annotations: Record<string, string> = { ...object.metadata.annotations };
  if (others.length > 0) annotations[keys.metrics] = JSON.stringify(others);
  if (behavior) annotations[keys.behavior] = JSON.stringify(behavior);
  const result: Unstructured = { ...object, apiVersion: 'autoscaling/v1', metadata: { ...object.metadata } };
  const target = cpu?.resource?.target.averageUtilization;
  result['spec'] = { ...spec, ...(target == null ? {} : { targetCPUUtilizationPercentage: target }) };
  if (status) {
    const { currentMetrics = [], conditions, ...kept } = status;
    const current = currentMetrics.find(
      (metric) => isCpu(metric) && metric.resource?.current.averageUtilization != null,
    );
    const left = currentMetrics.filter((metric) => metric !== current);
    if (left.length > 0) annotations[keys.current] = JSON.stringify(left);
    if (conditions) annotations[keys.conditions] = JSON.stringify(conditions);
    const used = current?.resource?.current.averageUtilization;
    result['status'] = {
      ...kept,
      currentReplicas: kept.currentReplicas ?? 0,
      ...(used == null ? {} : { currentCPUUtilizationPercentage: used }),
    };
  }
  if (Object.keys(annotations).length > 0) result.metadata.annotations = annotations;
  return result;
}

function defaultBehavior(spec: SpecV2): void {
  const { behavior } = spec;
  if (!isPart(behavior)) return;
  const up = (behavior.scaleUp ??= {});
  const down = (behavior.scaleDown ??= {});
  if (isPart(up)) {
    up.stabilizationWindowSeconds ??= 0;
    up.selectPolicy ??= 'Max';
    up.policies ??= [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ];
  }
  if (isPart(down)) {
    down.selectPolicy ??= 'Max';
    down.policies ??= [{ type: 'Percent', value: 100, periodSeconds: 15 }];
  }
}

function problems(object: Unstructured): FieldError[] {
  const spec = validSpec<SpecV2>(object);
  const errors: FieldError[] = [];
  const min = spec.minReplicas ?? 1;
  if (min < 1) errors.push(invalid('spec.minReplicas', min, 'must be greater than or equal to 1'));
  if (!(spec.maxReplicas >= 1))
    errors.push(invalid('spec.maxReplicas', spec.maxReplicas, 'must be greater than 0'));
  else if (spec.maxReplicas < min)
    errors.push(
      invalid('spec.maxReplicas', spec.maxReplicas, 'must be greater than or equal to `minReplicas`'),
    );
  if (!spec.scaleTargetRef?.kind) errors.push(required('spec.scaleTargetRef.kind'));
  if (!spec.scaleTargetRef?.name) errors.push(required('spec.scaleTargetRef.name'));
  const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
  (spec.metrics ?? []).forEach((metric, index) => {
    const field = `spec.metrics[${index}]`;
    if (!metric.type) errors.push(required(`${field}.type`, 'must specify a metric source type'));
    else if (!types.includes(metric.type)) errors.push(notSupported(`${field}.type`, metric.type, types));
  });
  return errors;
}

export const horizontalPodAutoscalers: Strategy = {
  defaults(object) {
    const spec = specOf<SpecV2>(object);
    if (!isPart(spec)) return;
    spec.minReplicas ??= 1;
    if (!Array.isArray(spec.metrics) || spec.metrics.length === 0)
      spec.metrics = [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ];
    defaultBehavior(spec);
  },
  prepareForCreate(object) {
    object['status'] = { currentReplicas: 0, desiredReplicas: 0 };
  },
  validate: problems,
  validateUpdate: problems,
  toStorage: (object, fromVersion) => (fromVersion === 'v1' ? fromV1(object) : object),
  fromStorage: (object, toVersion) => (toVersion === 'v1' ? toV1(object) : object),
};
