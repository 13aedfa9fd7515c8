/** apps/v1 workloads and ReplicationController. */
import { dns1123Label, type FieldError, type Unstructured } from '@coracle/machinery';
import type { apps_v1, core_v1, PersistentVolumeClaim } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  forbidden,
  immutable,
  invalid,
  isPart,
  labelProblems,
  nonNegative,
  objects,
  oneOf,
  required,
  same,
  specOf,
  validSpec,
} from './fields.ts';
import { runningTemplateProblems, defaultTemplate, selectorAndTemplateProblems } from './template.ts';
import { defaultClaimSpec } from './storage-defaults.ts';

type IntOrString = number | string;

/** A count or a percentage that must not be negative, nor above 100 % (where `capped`). */
export function intOrPercentProblems(
  field: string,
  value: IntOrString | undefined,
  capped = true,
): FieldError[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'number') return nonNegative(field, value);
  if (!/^[0-9]+%$/.test(value))
    return [
      invalid(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  return capped && Number(value.slice(0, -1)) > 100
    ? [invalid(field, value, 'must not be greater than 100%')]
    : [];
}
const isZero = (value: IntOrString | undefined): boolean => value === 0 || value === '0%';

const replicaStatus = (object: Unstructured): string =>
  String((object['status'] as { replicas?: number } | undefined)?.replicas ?? 0);

function deploymentProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<apps_v1.DeploymentSpec>(object);
  const errors = [
    ...nonNegative('spec.replicas', spec.replicas),
    ...selectorAndTemplateProblems(spec.selector, spec.template, 'deployment'),
    ...runningTemplateProblems(spec.template),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...nonNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds),
  ];
  const { strategy } = spec;
  if (strategy) {
    const update = strategy.rollingUpdate;
    if (strategy.type === 'Recreate' && update)
      errors.push(
        forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"),
      );
    else if (strategy.type === 'RollingUpdate' && update) {
      const at = 'spec.strategy.rollingUpdate';
      errors.push(...intOrPercentProblems(`${at}.maxUnavailable`, update.maxUnavailable));
      errors.push(...intOrPercentProblems(`${at}.maxSurge`, update.maxSurge, false));
      if (isZero(update.maxUnavailable) && isZero(update.maxSurge))
        errors.push(
          invalid(`${at}.maxUnavailable`, update.maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
        );
    }
    errors.push(...oneOf('spec.strategy.type', strategy.type, ['Recreate', 'RollingUpdate']));
  }
  const { progressDeadlineSeconds, minReadySeconds } = spec;
  if (progressDeadlineSeconds != null && progressDeadlineSeconds <= (minReadySeconds ?? 0))
    errors.push(
      invalid(
        'spec.progressDeadlineSeconds',
        progressDeadlineSeconds,
        'must be greater than minReadySeconds',
      ),
    );
  return errors;
}

export const deployments: Strategy = {
  defaults(object) {
    const spec = specOf<apps_v1.DeploymentSpec>(object);
    if (!isPart(spec)) return;
    spec.replicas ??= 1;
    const strategy = (spec.strategy ??= {});
    if (isPart(strategy)) {
      strategy.type ||= 'RollingUpdate';
      if (strategy.type === 'RollingUpdate') {
        const update = (strategy.rollingUpdate ??= {});
        if (isPart(update)) {
          update.maxUnavailable ??= '25%';
          update.maxSurge ??= '25%';
        }
      }
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    defaultTemplate(spec.template);
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate: deploymentProblems,
  validateUpdate: (object, old) => [
    ...deploymentProblems(object),
    ...immutable(
      'spec.selector',
      validSpec<apps_v1.DeploymentSpec>(object).selector,
      validSpec<apps_v1.DeploymentSpec>(old).selector,
    ),
  ],
  defaultPropagation: 'Background',
};

function replicaSetProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<apps_v1.ReplicaSetSpec>(object);
  return [
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...selectorAndTemplateProblems(spec.selector, spec.template, 'deployment'),
    ...runningTemplateProblems(spec.template),
  ];
}

export const replicaSets: Strategy = {
  defaults(object) {
    const spec = specOf<apps_v1.ReplicaSetSpec>(object);
    if (!isPart(spec)) return;
    spec.replicas ??= 1;
    defaultTemplate(spec.template);
  },
  prepareForCreate(object) {
    object['status'] = { replicas: 0 };
  },
  validate: replicaSetProblems,
  validateUpdate: (object, old) => [
    ...replicaSetProblems(object),
    ...immutable(
      'spec.selector',
      validSpec<apps_v1.ReplicaSetSpec>(object).selector,
      validSpec<apps_v1.ReplicaSetSpec>(old).selector,
    ),
  ],
  fields: { 'status.replicas': replicaStatus },
};

function replicationControllerProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<core_v1.ReplicationControllerSpec>(object);
  const errors = [
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.replicas', spec.replicas),
  ];
  const selector = spec.selector ?? {};
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
  if (!spec.template) errors.push(required('spec.template'));
  else {
    const labels = spec.template.metadata?.labels ?? {};
    if (!Object.entries(selector).every(([key, value]) => labels[key] === value))
      errors.push(
        invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
      );
  }
  return [...errors, ...labelProblems('spec.selector', selector), ...runningTemplateProblems(spec.template)];
}

/** Without labels of its own it has those of its pods. */
function labelAsTemplate(object: Unstructured): void {
  const labels = specOf<core_v1.ReplicationControllerSpec>(object)?.template?.metadata?.labels;
  if (isPart(labels) && Object.keys(object.metadata?.labels ?? {}).length === 0)
    object.metadata.labels = { ...labels };
}

export const replicationControllers: Strategy = {
  defaults(object) {
    const spec = specOf<core_v1.ReplicationControllerSpec>(object);
    if (!isPart(spec)) return;
    const labels = spec.template?.metadata?.labels;
    if (isPart(labels) && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    labelAsTemplate(object);
    spec.replicas ??= 1;
    spec.minReadySeconds ??= 0;
    if (spec.minReadySeconds === 0) delete (spec as { minReadySeconds?: number }).minReadySeconds;
    defaultTemplate(spec.template);
  },
  prepareForStatusUpdate: labelAsTemplate,
  prepareForCreate(object) {
    object['status'] = { replicas: 0 };
  },
  validate: replicationControllerProblems,
  validateUpdate: replicationControllerProblems,
  fields: { 'status.replicas': replicaStatus },
  defaultPropagation: 'Orphan',
};

function daemonSetProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<apps_v1.DaemonSetSpec>(object);
  const errors = [
    ...selectorAndTemplateProblems(spec.selector, spec.template, 'daemonset'),
    ...runningTemplateProblems(spec.template),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
  const update = spec.updateStrategy;
  errors.push(...oneOf('spec.updateStrategy.type', update?.type, ['OnDelete', 'RollingUpdate']));
  if (update?.type === 'RollingUpdate') {
    const at = 'spec.updateStrategy.rollingUpdate';
    if (!update.rollingUpdate) errors.push(required(at));
    else {
      const { maxUnavailable, maxSurge } = update.rollingUpdate;
      errors.push(...intOrPercentProblems(`${at}.maxUnavailable`, maxUnavailable));
      errors.push(...intOrPercentProblems(`${at}.maxSurge`, maxSurge));
      if (!isZero(maxUnavailable) && !isZero(maxSurge) && maxSurge !== undefined)
        errors.push(invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
      if (isZero(maxUnavailable) && isZero(maxSurge ?? 0))
        errors.push(invalid(`${at}.maxUnavailable`, maxUnavailable, 'cannot be 0 when maxSurge is 0'));
    }
  }
  return errors;
}

export const daemonSets: Strategy = {
  defaults(object) {
    const spec = specOf<apps_v1.DaemonSetSpec>(object);
    if (!isPart(spec)) return;
    const update = (spec.updateStrategy ??= {});
    if (isPart(update)) {
      update.type ||= 'RollingUpdate';
      if (update.type === 'RollingUpdate') {
        const rolling = (update.rollingUpdate ??= {});
        if (isPart(rolling)) {
          rolling.maxUnavailable ??= 1;
          rolling.maxSurge ??= 0;
        }
      }
    }
    spec.revisionHistoryLimit ??= 10;
    defaultTemplate(spec.template);
  },
  prepareForCreate(object) {
    object['status'] = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
  },
  validate: daemonSetProblems,
  validateUpdate: (object, old) => [
    ...daemonSetProblems(object),
    ...immutable(
      'spec.selector',
      validSpec<apps_v1.DaemonSetSpec>(object).selector,
      validSpec<apps_v1.DaemonSetSpec>(old).selector,
    ),
  ],
};

function statefulSetProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<apps_v1.StatefulSetSpec>(object);
  const errors: FieldError[] = [];
  if (!spec.podManagementPolicy) errors.push(required('spec.podManagementPolicy'));
  else if (!['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy))
    errors.push(
      invalid('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"),
    );
  const update = spec.updateStrategy;
  switch (update?.type) {
    case undefined:
    case '':
      errors.push(required('spec.updateStrategy'));
      break;
    case 'OnDelete':
      if (update?.rollingUpdate)
        errors.push(
          invalid(
            'spec.updateStrategy.rollingUpdate',
            update.rollingUpdate,
            "only allowed for updateStrategy 'RollingUpdate'",
          ),
        );
      break;
    case 'RollingUpdate':
      errors.push(
        ...nonNegative('spec.updateStrategy.rollingUpdate.partition', update?.rollingUpdate?.partition),
      );
      errors.push(
        ...intOrPercentProblems(
          'spec.updateStrategy.rollingUpdate.maxUnavailable',
          update?.rollingUpdate?.maxUnavailable,
        ),
      );
      break;
    default:
      errors.push(invalid('spec.updateStrategy', update, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const key of ['whenDeleted', 'whenScaled'] as const)
    errors.push(
      ...oneOf(`spec.persistentVolumeClaimRetentionPolicy.${key}`, retention?.[key], ['Delete', 'Retain']),
    );
  errors.push(...nonNegative('spec.replicas', spec.replicas));
  errors.push(...nonNegative('spec.minReadySeconds', spec.minReadySeconds));
  errors.push(...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit));
  errors.push(...nonNegative('spec.ordinals.start', spec.ordinals?.start));
  errors.push(...selectorAndTemplateProblems(spec.selector, spec.template, 'statefulset'));
  errors.push(...runningTemplateProblems(withClaims(spec)));
  return errors;
}

/** The template as its pods will be: with a volume for every claim template, so that mounts of them are found. */
function withClaims(spec: apps_v1.StatefulSetSpec): core_v1.PodTemplateSpec | undefined {
  const template = spec.template;
  const claims = spec.volumeClaimTemplates ?? [];
  if (!template?.spec || claims.length === 0) return template;
  const names = new Set(claims.map((claim) => claim.metadata?.name ?? ''));
  const volumes = (template.spec.volumes ?? []).filter((volume) => !names.has(volume.name));
  const added = [...names].map((name) => ({
    name,
    persistentVolumeClaim: { claimName: name },
  }));
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...added] } };
}

const statefulSetFrozen =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSets: Strategy = {
  // Its pods' host names begin with it.
  nameProblem: dns1123Label,
  defaults(object) {
    const spec = specOf<apps_v1.StatefulSetSpec>(object);
    if (!isPart(spec)) return;
    spec.podManagementPolicy ||= 'OrderedReady';
    const update = (spec.updateStrategy ??= {});
    if (isPart(update)) {
      update.type ||= 'RollingUpdate';
      if (update.type === 'RollingUpdate') {
        const rolling = (update.rollingUpdate ??= {});
        if (isPart(rolling)) rolling.partition ??= 0;
      }
    }
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    if (isPart(retention)) {
      retention.whenDeleted ||= 'Retain';
      retention.whenScaled ||= 'Retain';
    }
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    defaultTemplate(spec.template);
    for (const claim of objects(spec.volumeClaimTemplates)) {
      const template = claim as PersistentVolumeClaim;
      template.apiVersion ??= 'v1';
      template.kind ??= 'PersistentVolumeClaim';
      if (isPart(template.spec)) defaultClaimSpec(template.spec);
      template.status ??= { phase: 'Pending' };
    }
  },
  prepareForCreate(object) {
    object['status'] = { replicas: 0, availableReplicas: 0 };
  },
  validate: statefulSetProblems,
  validateUpdate(object, old) {
    const spec = validSpec<apps_v1.StatefulSetSpec>(object);
    const before = validSpec<apps_v1.StatefulSetSpec>(old);
    const fixed = {
      ...spec,
      replicas: before.replicas,
      ordinals: before.ordinals,
      template: before.template,
      updateStrategy: before.updateStrategy,
      revisionHistoryLimit: before.revisionHistoryLimit,
      persistentVolumeClaimRetentionPolicy: before.persistentVolumeClaimRetentionPolicy,
      minReadySeconds: before.minReadySeconds,
    };
    const errors = statefulSetProblems(object);
    if (!same(fixed, before)) errors.push(forbidden('spec', statefulSetFrozen));
    return errors;
  },
};

export const controllerRevisions: Strategy = {
  validate(object) {
    const revision = object as unknown as { data?: unknown; revision?: number };
    const errors: FieldError[] = [];
    if (revision.data === undefined || revision.data === null)
      errors.push(required('data', 'data is mandatory'));
    return [...errors, ...nonNegative('revision', revision.revision)];
  },
  validateUpdate: (object, old) => [
    ...nonNegative('revision', (object as unknown as { revision?: number }).revision),
    ...immutable('data', object['data'], old['data']),
  ],
};

export const podTemplates: Strategy = {
  defaults: (object) => defaultTemplate(object['template'] as core_v1.PodTemplateSpec | undefined),
};
