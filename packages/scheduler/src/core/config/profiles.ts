/**
 * From a configuration to the profiles a scheduler runs. Which plugins run where follows kube-scheduler's rules:
 * - what a profile enables or disables changes the default set, point by point; `*` disables all of it;
 * - a default plugin that is enabled again keeps its place and takes the new weight;
 * - `multiPoint` enables a plugin wherever it has something to say, except where the point itself disables it;
 * - at one point come first the multi-point plugins it names again, in its order, then the other multi-point ones, then
 *   those only it names;
 * - a score's weight is the one given at `score`, else the one at `multiPoint`, else 1.
 */
import { applyDefaults, errors } from '@coracle/machinery';
import type { Plugin, PreemptionSettings, Profile } from '../plugin.ts';
import type { QueueOptions } from '../queue.ts';
import type {
  ClientConnectionConfiguration,
  KubeSchedulerConfiguration,
  LeaderElectionConfiguration,
  PluginEntry,
  Plugins,
  PluginSet,
  SchedulerProfileConfiguration,
} from './configuration.ts';
import { defaultPlugins, defaultRegistry, type PluginDefinition, type PluginRegistry } from './registry.ts';
import { argumentSchemas, extensionPoints, type ExtensionPoint } from './schema.ts';

export interface SchedulerSettings {
  /** One a scheduler name. */
  readonly profiles: readonly Profile[];
  readonly queue: QueueOptions;
  readonly leaderElection: LeaderElectionConfiguration;
  readonly clientConnection: ClientConnectionConfiguration;
}

/** What a scheduler needs of its configuration. Throws ApiError Invalid where plugins do not go together. */
export function profilesFrom(
  config: KubeSchedulerConfiguration,
  registry: PluginRegistry = defaultRegistry(),
): SchedulerSettings {
  return {
    profiles: config.profiles.map((profile) =>
      profileFrom(profile, config.percentageOfNodesToScore, registry),
    ),
    queue: {
      initialBackoffMs: config.podInitialBackoffSeconds * 1000,
      maxBackoffMs: config.podMaxBackoffSeconds * 1000,
    },
    leaderElection: config.leaderElection,
    clientConnection: config.clientConnection,
  };
}

export function profileFrom(
  profile: SchedulerProfileConfiguration,
  percentageOfNodesToScore: number,
  registry: PluginRegistry,
): Profile {
  const known = [...defaultPlugins].filter(({ name }) => registry.has(name));
  const multiPoint = merged({ enabled: known }, profile.plugins.multiPoint);
  const at = namesByPoint(profile, multiPoint, registry);
  check(profile.schedulerName, at);
  const args = new Map(profile.pluginConfig.map((entry) => [entry.name, entry.args]));
  const weights = new Map<string, number>();
  // Of two, the first counts: those of the score point come first.
  for (const { name, weight } of [...(profile.plugins.score?.enabled ?? []), ...(multiPoint.enabled ?? [])]) {
    if (!weights.has(name)) weights.set(name, weight || 1);
  }
  const made = new Map<string, Plugin>();
  for (const name of new Set([...at.values()].flat())) {
    const create = registry.get(name)!.create;
    if (create) made.set(name, create(argumentsOf(name, args) as never));
  }
  const preemption = at.get('postFilter')!.includes('DefaultPreemption')
    ? (argumentsOf('DefaultPreemption', args) as unknown as PreemptionSettings)
    : false;
  return {
    schedulerName: profile.schedulerName,
    percentageOfNodesToScore: profile.percentageOfNodesToScore ?? percentageOfNodesToScore,
    preemption,
    plugins: entriesOf(made, at, weights),
  };
}

function argumentsOf(name: string, given: ReadonlyMap<string, object | undefined>): object | undefined {
  const args = given.get(name);
  const schema = argumentSchemas[name];
  return args ?? (schema ? applyDefaults(schema, {}) : undefined);
}

/** The custom set laid over the default one. */
function merged(base: PluginSet, custom: PluginSet = {}): PluginSet {
  const disabled = new Set([...(custom.disabled ?? []), ...(base.disabled ?? [])].map(({ name }) => name));
  // Named twice, the last counts here; the first stays behind and is found to be registered twice.
  const last = new Map((custom.enabled ?? []).map((entry, i) => [entry.name, i]));
  const replaced = new Set<number>();
  const enabled: PluginEntry[] = [];
  for (const entry of disabled.has('*') ? [] : (base.enabled ?? [])) {
    if (disabled.has(entry.name)) continue;
    const index = last.get(entry.name);
    if (index !== undefined) replaced.add(index);
    enabled.push(index === undefined ? entry : custom.enabled![index]!);
  }
  for (const [i, entry] of (custom.enabled ?? []).entries()) if (!replaced.has(i)) enabled.push(entry);
  return { enabled, disabled: [...disabled].map((name) => ({ name })) };
}

/** The plugins of every point in the order they are asked. */
function namesByPoint(
  profile: SchedulerProfileConfiguration,
  multiPoint: PluginSet,
  registry: PluginRegistry,
): Map<ExtensionPoint, readonly string[]> {
  const plugins: Plugins = profile.plugins;
  const result = new Map<ExtensionPoint, readonly string[]>();
  for (const point of extensionPoints) {
    const own = namesOf(plugins[point]?.enabled);
    for (const name of own) {
      const definition = known(registry, point, name);
      if (!definition.points.includes(point))
        throw broken(`plugin "${name}" does not extend ${point} plugin`);
    }
    const twice = own.find((name, i) => own.indexOf(name) !== i);
    if (twice !== undefined) throw broken(`plugin "${twice}" already registered as "${point}"`);
    const disabled = new Set(namesOf(plugins[point]?.disabled));
    if (disabled.has('*')) {
      result.set(point, own);
      continue;
    }
    const everywhere: string[] = [];
    const again = new Set<string>();
    for (const name of namesOf(multiPoint.enabled)) {
      if (!known(registry, point, name).points.includes(point) || disabled.has(name)) continue;
      if (own.includes(name)) again.add(name);
      else if (everywhere.includes(name)) throw broken(`plugin "${name}" already registered as "${point}"`);
      else everywhere.push(name);
    }
    const others = own.filter((name) => !again.has(name));
    result.set(point, [...own.filter((name) => again.has(name)), ...everywhere, ...others]);
  }
  return result;
}

function namesOf(entries: readonly PluginEntry[] = []): string[] {
  return entries.map(({ name }) => name);
}

function known(registry: PluginRegistry, point: string, name: string): PluginDefinition {
  const definition = registry.get(name);
  if (!definition) throw broken(`${point} plugin "${name}" does not exist`);
  return definition;
}

function check(schedulerName: string, at: ReadonlyMap<ExtensionPoint, readonly string[]>): void {
  const sorts = at.get('queueSort')!.length;
  if (sorts !== 1) {
    const name = `profile with scheduler name "${schedulerName}"`;
    throw broken(`only one queue sort plugin required for ${name}, but got ${sorts}`);
  }
  if (at.get('bind')!.length === 0) {
    throw broken(`at least one bind plugin is needed for profile with scheduler name "${schedulerName}"`);
  }
}

const broken = (message: string): Error => errors.badRequest(message);

/** Filters in their order, then what only scores, reserves or keeps pods out of the queue. */
function entriesOf(
  made: ReadonlyMap<string, Plugin>,
  at: ReadonlyMap<ExtensionPoint, readonly string[]>,
  weights: ReadonlyMap<string, number>,
): { plugin: Plugin; weight?: number }[] {
  const order = [...at.get('filter')!, ...at.get('score')!, ...at.get('reserve')!, ...at.get('preEnqueue')!];
  const result: { plugin: Plugin; weight?: number }[] = [];
  for (const name of new Set(order)) {
    const whole = made.get(name);
    if (!whole) continue;
    const scores = at.get('score')!.includes(name) && 'prepareScore' in whole;
    const plugin = only(whole, (role) => at.get(role)!.includes(name));
    result.push(scores ? { plugin, weight: weights.get(name) ?? 1 } : { plugin });
  }
  return result;
}

/** Members of a plugin by the point that must be enabled for them. */
const roles = {
  prepareFilter: 'filter',
  prepareScore: 'score',
  reserve: 'reserve',
  gate: 'preEnqueue',
} as const;

/** The plugin without the roles it is disabled in. */
function only(whole: Plugin, enabled: (point: ExtensionPoint) => boolean): Plugin {
  const parts: Record<string, unknown> = { ...whole };
  let same = true;
  for (const [member, point] of Object.entries(roles)) {
    if (!(member in parts) || enabled(point)) continue;
    delete parts[member];
    same = false;
  }
  return same ? whole : (parts as unknown as Plugin);
}
