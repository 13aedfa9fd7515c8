/** Small kinds: a default or two, a rule or two. */
import { dns1123Label, type FieldError, pathSegmentName, type Unstructured } from '@coracle/machinery';
import type {
  apiregistration_v1,
  coordination_v1,
  flowcontrol_v1,
  scheduling_v1,
} from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  fieldIsImmutable,
  forbidden,
  immutable,
  invalid,
  named,
  isPart,
  oneOf,
  required,
  same,
  specOf,
  validSpec,
} from './fields.ts';

const leaseProblems = (object: Unstructured): FieldError[] => {
  const spec = validSpec<coordination_v1.LeaseSpec>(object);
  const errors: FieldError[] = [];
  if (spec.leaseDurationSeconds != null && spec.leaseDurationSeconds <= 0)
    errors.push(invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0'));
  if (spec.leaseTransitions != null && spec.leaseTransitions < 0)
    errors.push(
      invalid('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0'),
    );
  return errors;
};
export const leases: Strategy = { validate: leaseProblems, validateUpdate: leaseProblems };

const highestUser = 1_000_000_000;
const systemClasses: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};
const classOf = (object: Unstructured): scheduling_v1.PriorityClass =>
  object as unknown as scheduling_v1.PriorityClass;

export const priorityClasses: Strategy = {
  defaults(object) {
    classOf(object).preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate(object) {
    const { metadata, value, preemptionPolicy } = classOf(object);
    const errors: FieldError[] = [];
    if (metadata.name.startsWith('system-')) {
      if (systemClasses[metadata.name] !== value)
        errors.push(
          forbidden(
            'metadata.name',
            `priority class names with 'system-' prefix are reserved for system use only. error: ${metadata.name} is not a known system priority class`,
          ),
        );
    } else if ((value ?? 0) > highestUser)
      errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUser}`));
    return [...errors, ...oneOf('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority'])];
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (classOf(object).value !== classOf(old).value)
      errors.push(forbidden('value', 'may not be changed in an update.'));
    return [
      ...errors,
      ...immutable('preemptionPolicy', classOf(object).preemptionPolicy, classOf(old).preemptionPolicy),
    ];
  },
};

export const runtimeClasses: Strategy = {
  validate(object) {
    const { handler } = object;
    return typeof handler === 'string' && handler !== ''
      ? named('handler', handler, dns1123Label)
      : [required('handler')];
  },
  validateUpdate: (object, old) =>
    same(object['handler'], old['handler']) ? [] : [invalid('handler', object['handler'], fieldIsImmutable)],
};

export const apiServices: Strategy = {
  // `v1.` is the core group's.
  nameProblem: pathSegmentName,
  defaults(object) {
    const service = specOf<apiregistration_v1.APIServiceSpec>(object)?.service;
    if (isPart(service)) service.port ??= 443;
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
};

export const flowSchemas: Strategy = {
  defaults(object) {
    const spec = specOf<flowcontrol_v1.FlowSchemaSpec>(object);
    if (isPart(spec) && !spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
};

export const priorityLevels: Strategy = {
  defaults(object) {
    const spec = specOf<flowcontrol_v1.PriorityLevelConfigurationSpec>(object);
    if (!isPart(spec)) return;
    if (spec.type === 'Limited' && isPart(spec.limited)) {
      spec.limited.nominalConcurrencyShares ??= 30;
      spec.limited.lendablePercent ??= 0;
      const { limitResponse } = spec.limited;
      if (isPart(limitResponse) && limitResponse.type === 'Queue' && isPart(limitResponse.queuing)) {
        limitResponse.queuing.queues ||= 64;
        limitResponse.queuing.handSize ||= 8;
        limitResponse.queuing.queueLengthLimit ||= 50;
      }
    }
    if (spec.type === 'Exempt') {
      const exempt = (spec.exempt ??= {});
      if (isPart(exempt)) {
        exempt.nominalConcurrencyShares ??= 0;
        exempt.lendablePercent ??= 0;
      }
    }
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
};

/** Named `signer:name` where they belong to a signer. */
export const trustBundles: Strategy = {
  nameProblem: pathSegmentName,
  fields: {
    'spec.signerName': (object) => validSpec<{ signerName?: string }>(object).signerName ?? '',
  },
  validateUpdate: (object, old) =>
    immutable(
      'spec.signerName',
      validSpec<{ signerName?: string }>(object).signerName,
      validSpec<{ signerName?: string }>(old).signerName,
    ),
};
