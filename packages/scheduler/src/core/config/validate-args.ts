/** What is wrong with a plugin's arguments. */
import {
  type FieldError,
  fieldDuplicate as duplicate,
  fieldForbidden as forbidden,
  fieldInvalid as invalid,
  fieldRequired as required,
  parseDuration,
  qualifiedName,
} from '@coracle/machinery';
import type { NodeAffinity, NodeSelectorTerm, TopologySpreadConstraint } from '@coracle/machinery/api';
import type { BalancedAllocationArgs, ScoringStrategy, ShapePoint } from '../plugins/resource-scores.ts';

/** Values in the order in which upstream names them. */
const unsupported = (field: string, badValue: unknown, values: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  badValue,
  detail: `supported values: ${values.map((value) => JSON.stringify(value)).join(', ')}`,
});

type Args = Readonly<Record<string, unknown>>;
type Check = (args: never, at: string) => FieldError[];

const checks: Readonly<Record<string, Check>> = {
  DefaultPreemption: preemption,
  DynamicResources: dynamicResources,
  InterPodAffinity: interPodAffinity,
  NodeAffinity: nodeAffinity,
  NodeResourcesBalancedAllocation: balancedAllocation,
  NodeResourcesFit: nodeResourcesFit,
  PodTopologySpread: podTopologySpread,
  VolumeBinding: volumeBinding,
};

/** Problems of the arguments (with defaults) of one of kube-scheduler's plugins; none for plugins not known here. */
export function argumentProblems(name: string, args: Args, at: string): FieldError[] {
  const check = checks[name];
  const kind = `${name}Args`;
  const wrong = args['kind'] !== undefined && args['kind'] !== kind;
  if (!check) return [];
  return wrong ? [invalid(at, args['kind'], 'has to match plugin args')] : check(args as never, at);
}

const outside = (low: number, high: number): string => `not in valid range [${low}, ${high}]`;

function preemption(
  args: { minCandidateNodesPercentage: number; minCandidateNodesAbsolute: number },
  at: string,
): FieldError[] {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args;
  const [path, other] = [`${at}.minCandidateNodesPercentage`, `${at}.minCandidateNodesAbsolute`];
  const problems: FieldError[] = [];
  if (percentage < 0 || percentage > 100) problems.push(invalid(path, percentage, outside(0, 100)));
  if (absolute < 0) problems.push(invalid(other, absolute, 'not in valid range [0, inf)'));
  if (percentage === 0 && absolute === 0) {
    problems.push(
      invalid(path, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
      invalid(other, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'),
    );
  }
  return problems;
}

function dynamicResources(args: { filterTimeout: string; bindingTimeout: string }, at: string): FieldError[] {
  const problems: FieldError[] = [];
  const check = (name: 'filterTimeout' | 'bindingTimeout', least: number, detail: string): void => {
    const milliseconds = parseDuration(args[name]);
    if (milliseconds === undefined) problems.push(invalid(`${at}.${name}`, args[name], 'is no duration'));
    else if (milliseconds < least) problems.push(invalid(`${at}.${name}`, args[name], detail));
  };
  check('filterTimeout', 0, 'must be zero or positive');
  check('bindingTimeout', 1000, 'must be at least 1 second');
  return problems;
}

function interPodAffinity(args: { hardPodAffinityWeight: number }, at: string): FieldError[] {
  const weight = args.hardPodAffinityWeight;
  if (weight >= 0 && weight <= 100) return [];
  return [invalid(`${at}.hardPodAffinityWeight`, weight, outside(0, 100))];
}

function nodeAffinity({ addedAffinity }: { addedAffinity?: NodeAffinity }, at: string): FieldError[] {
  const path = `${at}.addedAffinity`;
  const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...required.flatMap((term, i) =>
      termProblems(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`),
    ),
    ...preferred.flatMap(({ preference }, i) =>
      termProblems(preference, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`),
    ),
  ];
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function termProblems(term: NodeSelectorTerm | undefined, at: string): FieldError[] {
  const problems: FieldError[] = [];
  for (const [i, { key, operator, values = [] }] of (term?.matchExpressions ?? []).entries()) {
    const path = `${at}.matchExpressions[${i}]`;
    const bad = qualifiedName(key);
    if (bad) problems.push(invalid(`${path}.key`, key, bad));
    if (!operators.includes(operator)) problems.push(unsupported(`${path}.operator`, operator, operators));
    else if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      problems.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      problems.push(forbidden(`${path}.values`, detail));
    } else if ((operator === 'Gt' || operator === 'Lt') && !/^-?\d+$/.test(values[0] ?? '')) {
      problems.push(invalid(`${path}.values`, values, "must be one integer when `operator` is 'Gt' or 'Lt'"));
    }
  }
  for (const [i, { key, operator, values = [] }] of (term?.matchFields ?? []).entries()) {
    const path = `${at}.matchFields[${i}]`;
    if (key !== 'metadata.name') problems.push(invalid(`${path}.key`, key, 'not a valid field selector key'));
    if (operator !== 'In' && operator !== 'NotIn') {
      problems.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
    } else if (values.length !== 1) {
      problems.push(required(`${path}.values`, 'must have one element'));
    }
  }
  return problems;
}

function balancedAllocation({ resources = [] }: BalancedAllocationArgs, at: string): FieldError[] {
  const problems: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { name, weight }] of resources.entries()) {
    if (seen.has(name)) problems.push(duplicate(`${at}.resources[${i}].name`, name));
    seen.add(name);
    if (weight !== 1) problems.push(invalid(`${at}.resources[${i}].weight`, weight, 'must be 1'));
  }
  return problems;
}

const strategies = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

function nodeResourcesFit(
  args: {
    ignoredResources?: readonly string[];
    ignoredResourceGroups?: readonly string[];
    scoringStrategy: ScoringStrategy;
  },
  at: string,
): FieldError[] {
  const problems: FieldError[] = [];
  for (const [i, name] of (args.ignoredResources ?? []).entries()) {
    const bad = qualifiedName(name);
    if (bad) problems.push(invalid(`${at}.ignoredResources[${i}]`, name, bad));
  }
  for (const [i, group] of (args.ignoredResourceGroups ?? []).entries()) {
    const path = `${at}.ignoredResourceGroups[${i}]`;
    if (group.includes('/')) problems.push(invalid(path, group, "resource group name can't contain '/'"));
    const bad = qualifiedName(group);
    if (bad) problems.push(invalid(path, group, bad));
  }
  const { type, resources = [], requestedToCapacityRatio: ratio } = args.scoringStrategy;
  const path = `${at}.scoringStrategy`;
  if (!strategies.includes(type)) problems.push(unsupported(`${path}.type`, type, strategies));
  for (const [i, { name, weight = 1 }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue;
    const detail = `resource weight of ${name} not in valid range (0, 100]`;
    problems.push(invalid(`${path}.resources[${i}].weight`, weight, detail));
  }
  const at2 = `${path}.requestedToCapacityRatio`;
  if (type !== 'RequestedToCapacityRatio') {
    if (ratio) problems.push(forbidden(at2, 'must be nil when type is not RequestedToCapacityRatio'));
  } else if (ratio) problems.push(...shapeProblems(ratio.shape, `${at2}.shape`));
  else problems.push(required(at2, 'must be specified when type is RequestedToCapacityRatio'));
  return problems;
}

function shapeProblems(shape: readonly ShapePoint[] | undefined, at: string): FieldError[] {
  if (!shape?.length) return [required(at, 'at least one point must be specified')];
  const problems: FieldError[] = [];
  const unsorted = shape.findIndex((p, i) => i > 0 && shape[i - 1]!.utilization >= p.utilization);
  if (unsorted > 0) {
    const detail = 'values must be sorted in increasing order';
    problems.push(invalid(`${at}[${unsorted}].utilization`, shape[unsorted]!.utilization, detail));
  }
  for (const [i, { utilization = 0, score = 0 }] of shape.entries()) {
    if (utilization < 0 || utilization > 100) {
      problems.push(invalid(`${at}[${i}].utilization`, utilization, outside(0, 100)));
    }
    if (score < 0 || score > 10) problems.push(invalid(`${at}[${i}].score`, score, outside(0, 10)));
  }
  return problems;
}

function podTopologySpread(
  args: { defaultingType: string; defaultConstraints?: readonly TopologySpreadConstraint[] },
  at: string,
): FieldError[] {
  const { defaultingType: type, defaultConstraints: constraints = [] } = args;
  const problems: FieldError[] = [];
  const path = `${at}.defaultingType`;
  if (type !== 'System' && type !== 'List') problems.push(unsupported(path, type, ['System', 'List']));
  else if (type === 'System' && constraints.length > 0) {
    problems.push(invalid(path, type, 'when .defaultConstraints are not empty'));
  }
  const seen = new Set<string>();
  for (const [i, c] of constraints.entries()) {
    const one = `${at}.defaultConstraints[${i}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable: when = '' } = c as Partial<typeof c>;
    if (maxSkew <= 0) problems.push(invalid(`${one}.maxSkew`, maxSkew, 'not in valid range (0, inf)'));
    const bad = topologyKey === '' ? undefined : qualifiedName(topologyKey);
    if (topologyKey === '') problems.push(required(`${one}.topologyKey`, 'can not be empty'));
    else if (bad) problems.push(invalid(`${one}.topologyKey`, topologyKey, bad));
    const actions = ['DoNotSchedule', 'ScheduleAnyway'];
    if (when === '') problems.push(required(`${one}.whenUnsatisfiable`, 'can not be empty'));
    else if (!actions.includes(when)) problems.push(unsupported(`${one}.whenUnsatisfiable`, when, actions));
    if (c.labelSelector) {
      const detail = 'constraint must not define a selector, as they deduced for each pod';
      problems.push(forbidden(`${one}.labelSelector`, detail));
    }
    const key = `{${topologyKey}, ${when}}`;
    if (seen.has(key)) problems.push(duplicate(one, key));
    seen.add(key);
  }
  return problems;
}

function volumeBinding(args: { bindTimeoutSeconds: number; shape?: unknown }, at: string): FieldError[] {
  const { bindTimeoutSeconds: seconds, shape } = args;
  const problems: FieldError[] = [];
  if (seconds < 0) {
    const detail = 'invalid BindTimeoutSeconds, should not be a negative value';
    problems.push(invalid(`${at}.bindTimeoutSeconds`, seconds, detail));
  }
  if (shape !== undefined) {
    const detail = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
    problems.push(invalid(`${at}.shape`, shape, detail));
  }
  return problems;
}
