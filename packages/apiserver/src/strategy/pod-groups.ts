/** `scheduling.k8s.io/v1alpha2`: PodGroup and Workload. Both never change once they are made, but for their status. */
import {
  dns1123Label,
  dns1123Subdomain,
  pathSegmentName,
  qualifiedName,
  type FieldError,
} from '@coracle/machinery';
import type { scheduling_v1alpha2 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  duplicate,
  immutable,
  invalid,
  isPart,
  named,
  objects,
  oneOf,
  required,
  specOf,
  tooMany,
  validSpec,
} from './fields.ts';

type PodGroupSpec = scheduling_v1alpha2.PodGroupSpec;
type Template = scheduling_v1alpha2.PodGroupTemplate;
type WorkloadSpec = scheduling_v1alpha2.WorkloadSpec;

const maxTemplates = 8;
const maxClaims = 4;
const disruptionModes = ['Pod', 'PodGroup'];

/** What a PodGroup and a template of one have in common. */
function groupProblems(spec: PodGroupSpec | Template, at: string): FieldError[] {
  return [
    ...policyProblems(spec.schedulingPolicy, `${at}.schedulingPolicy`),
    ...topologyProblems(spec.schedulingConstraints, `${at}.schedulingConstraints.topology`),
    ...claimProblems(spec.resourceClaims, `${at}.resourceClaims`),
    ...oneOf(`${at}.disruptionMode`, spec.disruptionMode, disruptionModes),
    ...(spec.priorityClassName
      ? named(`${at}.priorityClassName`, spec.priorityClassName, dns1123Subdomain)
      : []),
  ];
}

function policyProblems(policy: PodGroupSpec['schedulingPolicy'] | undefined, at: string): FieldError[] {
  if (!policy || (!policy.basic && !policy.gang))
    return [required(at, 'must specify one of: `basic`, `gang`')];
  if (policy.basic && policy.gang)
    return [invalid(at, policy, 'must specify exactly one of: `basic`, `gang`')];
  if (policy.gang && !(policy.gang.minCount >= 1))
    return [invalid(`${at}.gang.minCount`, policy.gang.minCount, 'must be greater than or equal to 1')];
  return [];
}

function topologyProblems(constraints: PodGroupSpec['schedulingConstraints'], at: string): FieldError[] {
  const topology = objects(constraints?.topology);
  const errors = topology.length > 1 ? [tooMany(at, topology.length, 1)] : [];
  topology.forEach(({ key }, i) => {
    errors.push(...(key ? named(`${at}[${i}].key`, key, qualifiedName) : [required(`${at}[${i}].key`)]));
  });
  return errors;
}

function claimProblems(given: PodGroupSpec['resourceClaims'], at: string): FieldError[] {
  const claims = objects(given);
  const errors = claims.length > maxClaims ? [tooMany(at, claims.length, maxClaims)] : [];
  const names = new Set<string>();
  claims.forEach((claim, i) => {
    const field = `${at}[${i}]`;
    errors.push(
      ...(claim.name ? named(`${field}.name`, claim.name, dns1123Label) : [required(`${field}.name`)]),
    );
    if (names.has(claim.name)) errors.push(duplicate(field, claim.name));
    names.add(claim.name);
    const { resourceClaimName: claimName, resourceClaimTemplateName: templateName } = claim;
    const exactly = 'exactly one of `resourceClaimName`, `resourceClaimTemplateName` is required';
    if (claimName === undefined && templateName === undefined)
      errors.push(
        invalid(field, claim, `must specify one of: \`resourceClaimName\`, \`resourceClaimTemplateName\``),
      );
    else if (claimName !== undefined && templateName !== undefined)
      errors.push(invalid(field, claim, exactly));
    if (claimName !== undefined)
      errors.push(...named(`${field}.resourceClaimName`, claimName, dns1123Subdomain));
    if (templateName !== undefined)
      errors.push(...named(`${field}.resourceClaimTemplateName`, templateName, dns1123Subdomain));
  });
  return errors;
}

function referenceProblems(ref: PodGroupSpec['podGroupTemplateRef'], at: string): FieldError[] {
  if (!ref) return [];
  if (!ref.workload) return [required(at, 'must specify one of: `workload`')];
  const { workloadName, podGroupTemplateName } = ref.workload;
  return [
    ...(workloadName
      ? named(`${at}.workload.workloadName`, workloadName, dns1123Subdomain)
      : [required(`${at}.workload.workloadName`)]),
    ...(podGroupTemplateName
      ? named(`${at}.workload.podGroupTemplateName`, podGroupTemplateName, dns1123Label)
      : [required(`${at}.workload.podGroupTemplateName`)]),
  ];
}

export const podGroups: Strategy = {
  defaults(object) {
    const spec = specOf<PodGroupSpec>(object);
    if (isPart(spec)) spec.disruptionMode ??= 'Pod';
  },
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate(object) {
    const spec = validSpec<PodGroupSpec>(object);
    return [
      ...referenceProblems(spec.podGroupTemplateRef, 'spec.podGroupTemplateRef'),
      ...groupProblems(spec, 'spec'),
    ];
  },
  validateUpdate: (object, old) => immutable('spec', object['spec'], old['spec']),
};

function controllerProblems(ref: WorkloadSpec['controllerRef']): FieldError[] {
  if (!ref) return [];
  const part = (name: 'kind' | 'name'): FieldError[] =>
    ref[name]
      ? named(`spec.controllerRef.${name}`, ref[name], pathSegmentName)
      : [required(`spec.controllerRef.${name}`)];
  return [
    ...(ref.apiGroup ? named('spec.controllerRef.apiGroup', ref.apiGroup, dns1123Subdomain) : []),
    ...part('kind'),
    ...part('name'),
  ];
}

export const workloads: Strategy = {
  defaults(object) {
    const spec = specOf<WorkloadSpec>(object);
    if (!isPart(spec) || !Array.isArray(spec.podGroupTemplates)) return;
    for (const template of spec.podGroupTemplates) if (isPart(template)) template.disruptionMode ??= 'Pod';
  },
  validate(object) {
    const spec = validSpec<WorkloadSpec>(object);
    const templates = spec.podGroupTemplates ?? [];
    const errors = controllerProblems(spec.controllerRef);
    if (templates.length === 0)
      errors.push(required('spec.podGroupTemplates', 'must have at least one item'));
    if (templates.length > maxTemplates)
      errors.push(tooMany('spec.podGroupTemplates', templates.length, maxTemplates));
    const names = new Set<string>();
    templates.forEach((template, index) => {
      const field = `spec.podGroupTemplates[${index}]`;
      errors.push(
        ...(template.name
          ? named(`${field}.name`, template.name, dns1123Label)
          : [required(`${field}.name`)]),
      );
      if (names.has(template.name)) errors.push(duplicate(field, template.name));
      names.add(template.name);
      errors.push(...groupProblems(template, field));
    });
    return errors;
  },
  validateUpdate(object, old) {
    const before = validSpec<WorkloadSpec>(old);
    const spec = validSpec<WorkloadSpec>(object);
    const errors = immutable('spec.podGroupTemplates', spec.podGroupTemplates, before.podGroupTemplates);
    if (before.controllerRef)
      errors.push(...immutable('spec.controllerRef', spec.controllerRef, before.controllerRef));
    return errors;
  },
};
