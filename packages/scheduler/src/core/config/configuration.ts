/**
 * A KubeSchedulerConfiguration as users write it (`kubescheduler.config.k8s.io/v1`, what `kube-scheduler --config` reads):
 * from text or an object to a complete value, defaults filled in, or an error that names each wrong field.
 */
import { ApiError, applyDefaults, errors, typeErrors, unknownFields } from '@coracle/machinery';
import { load, YAMLException } from 'js-yaml';
import { argumentSchemas, configurationSchema, type ExtensionPoint } from './schema.ts';
import { configurationProblems } from './validate.ts';

export interface PluginEntry {
  readonly name: string;
  /** 0 or absent: 1. */
  readonly weight?: number;
}
export interface PluginSet {
  readonly enabled?: readonly PluginEntry[];
  /** `*`: all. */
  readonly disabled?: readonly PluginEntry[];
}
export type Plugins = Readonly<Partial<Record<ExtensionPoint | 'multiPoint', PluginSet>>>;

export interface SchedulerProfileConfiguration {
  readonly schedulerName: string;
  /** Overrides the one for all profiles. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins: Plugins;
  readonly pluginConfig: readonly {
    readonly name: string;
    readonly args?: Readonly<Record<string, unknown>>;
  }[];
}

export interface LeaderElectionConfiguration {
  readonly leaderElect: boolean;
  /** Durations as Go writes them: `15s`. */
  readonly leaseDuration: string;
  readonly renewDeadline: string;
  readonly retryPeriod: string;
  readonly resourceLock: string;
  readonly resourceName: string;
  readonly resourceNamespace: string;
}

export interface ClientConnectionConfiguration {
  /** Path of a kubeconfig file; '': none is named. */
  readonly kubeconfig: string;
  readonly acceptContentTypes: string;
  readonly contentType: string;
  readonly qps: number;
  readonly burst: number;
}

/** With every default in its place. */
export interface KubeSchedulerConfiguration {
  readonly apiVersion: 'kubescheduler.config.k8s.io/v1';
  readonly kind: 'KubeSchedulerConfiguration';
  /** Read and not used: decisions are made one after the other. */
  readonly parallelism: number;
  readonly leaderElection: LeaderElectionConfiguration;
  readonly clientConnection: ClientConnectionConfiguration;
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
  /** At least one. */
  readonly profiles: readonly SchedulerProfileConfiguration[];
}

export const configurationVersion = 'kubescheduler.config.k8s.io/v1';
const kind = 'KubeSchedulerConfiguration';

/** Reads YAML or JSON text. Throws ApiError BadRequest (not readable, unknown field, wrong type) or Invalid (wrong value). */
export function parseConfiguration(text: string): KubeSchedulerConfiguration {
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new ApiError('BadRequest', `the scheduler configuration is no YAML: ${error.message}`, undefined, {
      cause: error,
    });
  }
  return readConfiguration(value);
}

/** Reads a configuration that is an object already. Does not change `value`. Throws as `parseConfiguration` does. */
export function readConfiguration(value: unknown): KubeSchedulerConfiguration {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.badRequest('the scheduler configuration is no object');
  }
  const config = structuredClone(value) as Record<string, unknown>;
  if (config['apiVersion'] !== configurationVersion || config['kind'] !== kind) {
    const found = `${String(config['apiVersion'] ?? '')}, Kind=${String(config['kind'] ?? '')}`;
    throw errors.badRequest(
      `the scheduler configuration is of ${configurationVersion}, Kind=${kind}, and this is of ${found}`,
    );
  }
  decode(configurationSchema, config, '');
  const read = applyDefaults(configurationSchema, config) as unknown as {
    profiles: {
      schedulerName?: string;
      plugins?: object;
      pluginConfig: { name: string; args?: object }[];
    }[];
  };
  if (read.profiles.length === 0) read.profiles.push(applyDefaults(profileSchema, emptyProfile()));
  const [only, ...others] = read.profiles;
  // With several, each must say its name.
  if (only && others.length === 0) only.schedulerName ??= 'default-scheduler';
  for (const [i, profile] of read.profiles.entries()) {
    for (const [j, entry] of profile.pluginConfig.entries()) {
      const schema = argumentSchemas[entry.name];
      if (!schema) continue;
      entry.args ??= {};
      decode(schema, entry.args, `profiles[${i}].pluginConfig[${j}].args`);
      applyDefaults(schema, entry.args);
    }
  }
  const complete = read as unknown as KubeSchedulerConfiguration;
  const problems = configurationProblems(complete);
  if (problems.length > 0) {
    throw errors.invalid({ group: 'kubescheduler.config.k8s.io', kind }, '', problems);
  }
  return complete;
}

const profileSchema = configurationSchema.properties!['profiles']!.items!;

function emptyProfile(): { plugins: object; pluginConfig: [] } {
  return { plugins: {}, pluginConfig: [] };
}

function decode(schema: typeof configurationSchema, value: unknown, at: string): void {
  const path = (field: string): string => (at === '' || field === '' ? at || field : `${at}.${field}`);
  const [wrong] = typeErrors(schema, value);
  if (wrong) throw errors.badRequest(`strict decoding error: ${path(wrong.field)}: ${wrong.message}`);
  const unknown = unknownFields(schema, value).filter((field) => field !== 'metadata');
  if (unknown.length === 0) return;
  const list = unknown.map((field) => `unknown field ${JSON.stringify(path(field))}`).join(', ');
  throw errors.badRequest(`strict decoding error: ${list}`);
}
