/** A container's variables: envFrom first, then env in order, each seeing those before it. */
import type { ConfigMap, Container, EnvVar, Pod, Secret } from '@coracle/machinery/api';
import { fieldValue, type PodFacts, resourceValue } from './downward.ts';
import { expand } from './expand.ts';

/** Reads what variables and volumes refer to. Undefined: there is no such object. */
export interface PodSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** The container cannot be made from what it refers to; waiting reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override name = 'ContainerConfigError';
}

export interface EnvironmentInput {
  pod: Pod;
  container: Container;
  facts: PodFacts;
  sources: PodSources;
  /** A file of a volume that is already set up (fileKeyRef): its `KEY=value` lines. */
  volumeFile(volume: string, path: string): Promise<string | undefined>;
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

export async function containerEnvironment(input: EnvironmentInput): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const from of input.container.envFrom ?? []) {
    const values = await envFromValues(input, from);
    for (const [key, value] of Object.entries(values)) env[`${from.prefix ?? ''}${key}`] = value;
  }
  for (const variable of input.container.env ?? []) {
    const value = await valueOf(input, variable, env);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function envFromValues(
  { pod, sources }: EnvironmentInput,
  from: NonNullable<Container['envFrom']>[number],
): Promise<Record<string, string>> {
  const namespace = pod.metadata.namespace ?? '';
  if (from.configMapRef !== undefined) {
    const { name = '', optional } = from.configMapRef;
    const found = await sources.configMap(namespace, name);
    if (found === undefined && optional !== true)
      throw new ContainerConfigError(`configmap "${name}" not found`);
    return found?.data ?? {};
  }
  if (from.secretRef !== undefined) {
    const { name = '', optional } = from.secretRef;
    const found = await sources.secret(namespace, name);
    if (found === undefined && optional !== true)
      throw new ContainerConfigError(`secret "${name}" not found`);
    return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
  }
  return {};
}

async function valueOf(
  input: EnvironmentInput,
  variable: EnvVar,
  before: Record<string, string>,
): Promise<string | undefined> {
  const { pod, container, facts, sources } = input;
  const namespace = pod.metadata.namespace ?? '';
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? '', before);
  try {
    if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef, facts);
    if (from.resourceFieldRef !== undefined)
      return resourceValue(
        containerNamed(pod, container, from.resourceFieldRef.containerName),
        from.resourceFieldRef,
        facts,
      );
  } catch (error) {
    throw new ContainerConfigError((error as Error).message);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const found = await sources.configMap(namespace, name);
    const value = found?.data?.[key];
    if (value !== undefined || optional === true) return value;
    throw new ContainerConfigError(
      found === undefined
        ? `configmap "${name}" not found`
        : `couldn't find key ${key} in ConfigMap ${namespace}/${name}`,
    );
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    const found = await sources.secret(namespace, name);
    const value = found?.data?.[key];
    if (value !== undefined) return decode(value);
    if (optional === true) return undefined;
    throw new ContainerConfigError(
      found === undefined
        ? `secret "${name}" not found`
        : `couldn't find key ${key} in Secret ${namespace}/${name}`,
    );
  }
  if (from.fileKeyRef !== undefined) {
    const { volumeName, path, key, optional } = from.fileKeyRef;
    const value = parseEnvFile((await input.volumeFile(volumeName, path)) ?? '')[key];
    if (value !== undefined || optional === true) return value;
    throw new ContainerConfigError(`environment variable key "${key}" not found in file "${path}"`);
  }
  return '';
}

function containerNamed(pod: Pod, container: Container, name: string | undefined): Container {
  if (name === undefined || name === '') return container;
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Error(`container ${name} not found`);
  return found;
}

/** `KEY=value` or `KEY='value'` a line; blank lines and those starting with `#` are left out. */
export function parseEnvFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    const equals = trimmed.indexOf('=');
    if (trimmed === '' || trimmed.startsWith('#') || equals <= 0) continue;
    const raw = trimmed.slice(equals + 1);
    values[trimmed.slice(0, equals).trim()] = /^'.*'$/.test(raw) ? raw.slice(1, -1) : raw;
  }
  return values;
}
