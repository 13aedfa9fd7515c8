/** kubeconfig files (`v1` Config): reading, joining and choosing. See kubeconfig-file.ts for writing. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'js-yaml';

export interface Kubeconfig {
  apiVersion: 'v1';
  kind: 'Config';
  preferences?: Record<string, unknown> | undefined;
  clusters: { name: string; cluster: ClusterEntry }[];
  users: { name: string; user: UserEntry }[];
  contexts: { name: string; context: ContextEntry }[];
  'current-context': string;
  /** Fields of other tools are kept. */
  [other: string]: unknown;
}
export interface ClusterEntry {
  server: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  [other: string]: unknown;
}
export interface UserEntry {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  'as-user-extra'?: Record<string, string[]>;
  exec?: ExecPlugin;
  [other: string]: unknown;
}
export interface ExecPlugin {
  apiVersion?: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
  interactiveMode?: string;
}
export interface ContextEntry {
  cluster: string;
  user: string;
  namespace?: string;
  [other: string]: unknown;
}

/** A kubeconfig with one context chosen and its parts found. Paths in it are absolute. */
export interface LoadedKubeconfig {
  config: Kubeconfig;
  /** Name of the context. */
  context: string;
  cluster: ClusterEntry;
  user: UserEntry;
  /** The context's namespace, or `default`. */
  namespace: string;
  /** Files read. */
  files: string[];
  /** What credential plugins are run with. */
  env: KubeconfigOptions['env'];
}

/** What is wrong with a kubeconfig, where, and what to do. `code` says which of the usual cases it is. */
export class KubeconfigError extends Error {
  override name = 'KubeconfigError';
  readonly code: 'missing' | 'malformed' | 'no-context' | 'incomplete';
  constructor(code: KubeconfigError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface KubeconfigOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory. */
  home: string;
  /** `--kubeconfig`: this file alone. */
  path?: string | undefined;
  /** `--context`. */
  context?: string | undefined;
}

/** Files that are read, in order: `path`, or those of $KUBECONFIG, or `~/.kube/config`. */
export function kubeconfigPaths({ env, home, path: given }: KubeconfigOptions): string[] {
  if (given) return [given];
  const listed = (env['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(home, '.kube', 'config')];
}

/**
 * Reads and joins the files as kubectl does (the first file to define a name or the current context wins; missing files of a
 * list are skipped) and chooses the context. Throws KubeconfigError.
 */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<LoadedKubeconfig> {
  const paths = kubeconfigPaths(options);
  const files: string[] = [];
  let config: Kubeconfig | undefined;
  for (const file of paths) {
    const read = await readKubeconfig(file);
    if (!read) continue;
    files.push(file);
    config = config ? mergeKubeconfig(read, config) : read;
  }
  if (!config) {
    throw new KubeconfigError('missing', `there is no kubeconfig at ${paths.join(' or ')}`);
  }
  return { ...chooseContext(config, options.context, files), env: options.env };
}

/** One file, with paths in it made absolute. Undefined: there is no such file. */
export async function readKubeconfig(file: string): Promise<Kubeconfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KubeconfigError(
      'malformed',
      `cannot read the kubeconfig ${file}: ${(error as Error).message}`,
      error,
    );
  }
  return resolvePaths(parseKubeconfig(text, file), path.dirname(path.resolve(file)));
}

/** Parses YAML or JSON; an empty text is an empty config. `file` is for error messages. */
export function parseKubeconfig(text: string, file: string): Kubeconfig {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : load(text, { filename: file });
  } catch (error) {
    throw new KubeconfigError(
      'malformed',
      `the kubeconfig ${file} is not YAML: ${(error as Error).message}`,
      error,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KubeconfigError('malformed', `the kubeconfig ${file} does not hold a Config object`);
  }
  const config = value as Partial<Kubeconfig>;
  if (config.kind !== undefined && config.kind !== 'Config') {
    throw new KubeconfigError(
      'malformed',
      `the kubeconfig ${file} holds a ${String(config.kind)}, not a Config`,
    );
  }
  return {
    ...config,
    apiVersion: 'v1',
    kind: 'Config',
    clusters: config.clusters ?? [],
    users: config.users ?? [],
    contexts: config.contexts ?? [],
    'current-context': config['current-context'] ?? '',
  };
}

/**
 * `existing` with the entries of `addition`: those of a name it has are replaced, others appended, everything else is kept.
 * `addition`'s current context becomes current if it names one.
 */
export function mergeKubeconfig(existing: Kubeconfig, addition: Kubeconfig): Kubeconfig {
  return {
    ...existing,
    clusters: join(existing.clusters, addition.clusters),
    users: join(existing.users, addition.users),
    contexts: join(existing.contexts, addition.contexts),
    'current-context': addition['current-context'] || existing['current-context'],
  };
}

function join<T extends { name: string }>(old: readonly T[], added: readonly T[]): T[] {
  return [
    ...old.map((entry) => added.find(({ name }) => name === entry.name) ?? entry),
    ...added.filter(({ name }) => !old.some((entry) => entry.name === name)),
  ];
}

/** `config` without a context, and without its cluster and user if no other context uses them. */
export function removeContext(config: Kubeconfig, name: string): Kubeconfig {
  const gone = config.contexts.find((entry) => entry.name === name)?.context;
  const contexts = config.contexts.filter((entry) => entry.name !== name);
  const used = (part: 'cluster' | 'user', value: string): boolean =>
    value !== gone?.[part] || contexts.some(({ context }) => context[part] === value);
  return {
    ...config,
    contexts,
    clusters: config.clusters.filter((entry) => used('cluster', entry.name)),
    users: config.users.filter((entry) => used('user', entry.name)),
    'current-context': config['current-context'] === name ? '' : config['current-context'],
  };
}

/** Finds a context (the current one unless named) with its cluster and user. Throws KubeconfigError saying what is missing. */
export function chooseContext(
  config: Kubeconfig,
  name: string | undefined,
  files: string[] = [],
): LoadedKubeconfig {
  const where = files.length > 0 ? ` in ${files.join(', ')}` : '';
  const wanted = name ?? config['current-context'];
  const names = config.contexts.map((entry) => entry.name).join(', ') || 'none';
  if (!wanted)
    throw new KubeconfigError('no-context', `no current context is set${where} (contexts: ${names})`);
  const context = config.contexts.find((entry) => entry.name === wanted)?.context;
  if (!context) {
    throw new KubeconfigError('no-context', `there is no context "${wanted}"${where} (contexts: ${names})`);
  }
  const cluster = config.clusters.find((entry) => entry.name === context.cluster)?.cluster;
  if (!cluster?.server) {
    const missing = cluster ? 'has no server' : 'does not exist';
    throw new KubeconfigError(
      'incomplete',
      `the cluster "${context.cluster}" of context "${wanted}" ${missing}${where}`,
    );
  }
  const user = config.users.find((entry) => entry.name === context.user)?.user;
  if (context.user && !user) {
    throw new KubeconfigError(
      'incomplete',
      `the user "${context.user}" of context "${wanted}" does not exist${where}`,
    );
  }
  return {
    config,
    context: wanted,
    cluster,
    user: user ?? {},
    namespace: context.namespace || 'default',
    files,
    env: {},
  };
}

/** Relative paths are relative to their file's directory. */
function resolvePaths(config: Kubeconfig, directory: string): Kubeconfig {
  const absolute = <T extends Record<string, unknown>>(entry: T | undefined, names: string[]): T => {
    const copy: Record<string, unknown> = { ...entry };
    for (const name of names) {
      const value = copy[name];
      if (typeof value === 'string' && value !== '') copy[name] = path.resolve(directory, value);
    }
    return copy as T;
  };
  return {
    ...config,
    clusters: config.clusters.map((entry) => ({
      ...entry,
      cluster: absolute(entry.cluster, ['certificate-authority']),
    })),
    users: config.users.map((entry) => ({
      ...entry,
      user: absolute(entry.user, ['client-certificate', 'client-key', 'tokenFile']),
    })),
  };
}
