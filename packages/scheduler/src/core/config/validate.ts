/** What is wrong with a scheduler configuration whose types and defaults are in order. */
import {
  deepEqual,
  type FieldError,
  fieldDuplicate as duplicate,
  fieldForbidden as forbidden,
  fieldInvalid as invalid,
  fieldRequired as required,
  parseDuration,
} from '@coracle/machinery';
import type {
  KubeSchedulerConfiguration,
  LeaderElectionConfiguration,
  SchedulerProfileConfiguration,
} from './configuration.ts';
import { extensionPoints } from './schema.ts';
import { argumentProblems } from './validate-args.ts';

/** Plugins of one cloud each, gone before v1. */
const removedPlugins = new Set(['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits']);

export function configurationProblems(config: KubeSchedulerConfiguration): FieldError[] {
  const { profiles, parallelism, podInitialBackoffSeconds: initial, podMaxBackoffSeconds: most } = config;
  const problems = [...clientProblems(config), ...electionProblems(config.leaderElection)];
  if (parallelism <= 0) {
    problems.push(invalid('parallelism', parallelism, 'should be an integer value greater than zero'));
  }
  const names = new Map<string, number>();
  for (const [i, profile] of profiles.entries()) {
    const at = `profiles[${i}]`;
    problems.push(...profileProblems(profile, at));
    const before = names.get(profile.schedulerName);
    if (before !== undefined)
      problems.push(duplicate(`${at}.schedulerName`, `profiles[${before}].schedulerName`));
    names.set(profile.schedulerName, i);
  }
  problems.push(...queueSortProblems(profiles));
  problems.push(...percentageProblems('percentageOfNodesToScore', config.percentageOfNodesToScore));
  if (initial <= 0) problems.push(invalid('podInitialBackoffSeconds', initial, 'must be greater than 0'));
  if (most < initial) {
    const detail = 'must be greater than or equal to PodInitialBackoffSeconds';
    problems.push(invalid('podMaxBackoffSeconds', most, detail));
  }
  const { extenders } = config as { extenders?: readonly unknown[] };
  if (extenders?.length) problems.push(forbidden('extenders', 'this scheduler calls no extenders'));
  return problems;
}

function profileProblems(profile: SchedulerProfileConfiguration, at: string): FieldError[] {
  const problems: FieldError[] = [];
  if (!profile.schedulerName) problems.push(required(`${at}.schedulerName`));
  problems.push(
    ...percentageProblems(`${at}.percentageOfNodesToScore`, profile.percentageOfNodesToScore),
    ...pluginProblems(profile, at),
  );
  const seen = new Set<string>();
  for (const [i, { name, args }] of profile.pluginConfig.entries()) {
    const path = `${at}.pluginConfig[${i}]`;
    if (seen.has(name)) problems.push(duplicate(path, name));
    seen.add(name);
    if (removedPlugins.has(name)) problems.push(removed(path, name));
    else if (args) problems.push(...argumentProblems(name, args, `${path}.args`));
  }
  return problems;
}

function pluginProblems({ plugins }: SchedulerProfileConfiguration, at: string): FieldError[] {
  const problems: FieldError[] = [];
  for (const point of [...extensionPoints, 'multiPoint'] as const) {
    for (const [i, { name }] of plugins[point]?.enabled?.entries() ?? []) {
      if (removedPlugins.has(name)) problems.push(removed(`${at}.plugins.${point}.enabled[${i}]`, name));
    }
  }
  return problems;
}

function removed(path: string, name: string): FieldError {
  const version = '"kubescheduler.config.k8s.io/v1"';
  return invalid(
    path,
    name,
    `was invalid in version ${version} (KubeSchedulerConfiguration is version ${version})`,
  );
}

/** All profiles share one queue. */
function queueSortProblems(profiles: readonly SchedulerProfileConfiguration[]): FieldError[] {
  const problems: FieldError[] = [];
  const first = profiles[0]?.plugins.queueSort;
  const count = first?.enabled?.length ?? 0;
  if (count > 1) {
    const detail = 'only one queue sort plugin can be enabled';
    problems.push(invalid('profiles[0].plugins.queueSort.Enabled', count, detail));
  }
  for (const [i, { plugins }] of profiles.entries()) {
    if (deepEqual(setOf(plugins.queueSort), setOf(first))) continue;
    const path = `profiles[${i}].plugins.queueSort`;
    problems.push(invalid(path, plugins.queueSort ?? {}, 'must be the same for all profiles'));
  }
  return problems;
}

function setOf(set: SchedulerProfileConfiguration['plugins']['queueSort']): unknown {
  return { enabled: set?.enabled ?? [], disabled: set?.disabled ?? [] };
}

function percentageProblems(path: string, percentage: number | undefined): FieldError[] {
  if (percentage === undefined || (percentage >= 0 && percentage <= 100)) return [];
  return [invalid(path, percentage, 'not in valid range [0-100]')];
}

function clientProblems({ clientConnection }: KubeSchedulerConfiguration): FieldError[] {
  const { burst } = clientConnection;
  return burst < 0 ? [invalid('clientConnection.burst', burst, 'must be non-negative')] : [];
}

function electionProblems(election: LeaderElectionConfiguration): FieldError[] {
  if (!election.leaderElect) return [];
  const problems: FieldError[] = [];
  const [lease, renew, retry] = (['leaseDuration', 'renewDeadline', 'retryPeriod'] as const).map((name) => {
    const path = `leaderElection.${name}`;
    const milliseconds = parseDuration(election[name]);
    if (milliseconds === undefined) problems.push(invalid(path, election[name], 'is no duration'));
    else if (milliseconds <= 0) problems.push(invalid(path, election[name], 'must be greater than zero'));
    return milliseconds ?? Number.NaN;
  });
  if (lease! <= renew!) {
    const detail = 'LeaseDuration must be greater than RenewDeadline';
    problems.push(invalid('leaderElection.leaseDuration', election.leaseDuration, detail));
  }
  if (renew! <= retry!) {
    const detail = 'RenewDeadline must be greater than RetryPeriod';
    problems.push(invalid('leaderElection.renewDeadline', election.renewDeadline, detail));
  }
  if (election.resourceLock !== 'leases') {
    const detail = 'resourceLock value must be "leases"';
    problems.push(invalid('leaderElection.resourceLock', election.resourceLock, detail));
  }
  return problems;
}
