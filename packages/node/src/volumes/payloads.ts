/** The files of configMap, secret, downwardAPI and projected volumes. */
import type {
  ConfigMap,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from '@coracle/machinery/api';
import { fieldValue, type PodFacts, resourceValue } from '../pod/downward.ts';
import type { PodSources } from '../pod/environment.ts';
import type { PayloadFile } from './atomic-writer.ts';

export interface PayloadContext {
  pod: Pod;
  facts: PodFacts;
  sources: PodSources;
  /** A token for the pod's service account. */
  token(audience: string | undefined, expirationSeconds: number | undefined): Promise<string>;
}

const defaultMode = 0o644;

/** Undefined if the volume is of another kind. Throws, in words for a FailedMount event, when something is missing. */
export async function payloadOf(
  volume: Volume,
  context: PayloadContext,
): Promise<Map<string, PayloadFile> | undefined> {
  if (volume.configMap !== undefined)
    return configMapFiles(volume.configMap, volume.configMap.defaultMode, context);
  if (volume.secret !== undefined) {
    const { secretName, ...rest } = volume.secret;
    return secretFiles({ ...rest, name: secretName }, volume.secret.defaultMode, context);
  }
  if (volume.downwardAPI !== undefined)
    return downwardFiles(volume.downwardAPI.items, volume.downwardAPI.defaultMode, context);
  if (volume.projected !== undefined) {
    const files = new Map<string, PayloadFile>();
    for (const source of volume.projected.sources ?? []) {
      for (const [path, file] of await projection(source, volume.projected.defaultMode, context))
        files.set(path, file);
    }
    return files;
  }
  return undefined;
}

async function projection(
  source: VolumeProjection,
  mode: number | undefined,
  context: PayloadContext,
): Promise<Map<string, PayloadFile>> {
  if (source.configMap !== undefined) return configMapFiles(source.configMap, mode, context);
  if (source.secret !== undefined) return secretFiles(source.secret, mode, context);
  if (source.downwardAPI !== undefined) return downwardFiles(source.downwardAPI.items, mode, context);
  if (source.serviceAccountToken !== undefined) {
    const { path, audience, expirationSeconds } = source.serviceAccountToken;
    const content = Buffer.from(await context.token(audience, expirationSeconds));
    return new Map([[path, { content, mode: 0o600 | (mode ?? defaultMode) }]]);
  }
  throw new Error(`projected source ${Object.keys(source).join(', ')} is not supported by this node`);
}

interface Reference {
  name?: string | undefined;
  items?: KeyToPath[] | undefined;
  optional?: boolean | undefined;
}

async function configMapFiles(
  reference: Reference,
  mode: number | undefined,
  { pod, sources }: PayloadContext,
): Promise<Map<string, PayloadFile>> {
  const name = reference.name ?? '';
  const found: ConfigMap | undefined = await sources.configMap(pod.metadata.namespace ?? '', name);
  if (found === undefined) {
    if (reference.optional === true) return new Map();
    throw new Error(`configmap "${name}" not found`);
  }
  const contents = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(found.data ?? {})) contents.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries(found.binaryData ?? {}))
    contents.set(key, Buffer.from(value, 'base64'));
  return chosen(contents, reference, mode, `configmap`);
}

async function secretFiles(
  reference: Reference,
  mode: number | undefined,
  { pod, sources }: PayloadContext,
): Promise<Map<string, PayloadFile>> {
  const name = reference.name ?? '';
  const found: Secret | undefined = await sources.secret(pod.metadata.namespace ?? '', name);
  if (found === undefined) {
    if (reference.optional === true) return new Map();
    throw new Error(`secret "${name}" not found`);
  }
  const contents = new Map(
    Object.entries(found.data ?? {}).map(([key, value]): [string, Uint8Array] => [
      key,
      Buffer.from(value, 'base64'),
    ]),
  );
  return chosen(contents, reference, mode, `secret`);
}

/** All keys, or the named ones at their paths. */
function chosen(
  contents: ReadonlyMap<string, Uint8Array>,
  reference: Reference,
  mode: number | undefined,
  what: string,
): Map<string, PayloadFile> {
  const files = new Map<string, PayloadFile>();
  if (reference.items === undefined || reference.items.length === 0) {
    for (const [key, content] of contents) files.set(key, { content, mode: mode ?? defaultMode });
    return files;
  }
  for (const item of reference.items) {
    const content = contents.get(item.key);
    if (content === undefined) {
      if (reference.optional === true) continue;
      throw new Error(
        `${what} references non-existent ${what === 'secret' ? 'secret' : 'config'} key: ${item.key}`,
      );
    }
    files.set(item.path, { content, mode: item.mode ?? mode ?? defaultMode });
  }
  return files;
}

function downwardFiles(
  items: readonly DownwardAPIVolumeFile[] | undefined,
  mode: number | undefined,
  { pod, facts }: PayloadContext,
): Map<string, PayloadFile> {
  const files = new Map<string, PayloadFile>();
  for (const item of items ?? []) {
    let text = '';
    if (item.fieldRef !== undefined) text = fieldValue(pod, item.fieldRef, facts);
    else if (item.resourceFieldRef !== undefined) {
      const name = item.resourceFieldRef.containerName;
      const all: Container[] = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
      const container = all.find((each) => each.name === name);
      if (container === undefined) throw new Error(`container ${name ?? ''} not found`);
      text = resourceValue(container, item.resourceFieldRef, facts);
    }
    files.set(item.path, { content: Buffer.from(text), mode: item.mode ?? mode ?? defaultMode });
  }
  return files;
}
