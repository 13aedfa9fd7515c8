/** A pod's volumes on the host: made before its containers, refreshed while it runs, removed with it. */
import { accessSync, chmodSync, chownSync, constants, existsSync, mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { Client } from '@coracle/client';
import {
  type Container,
  PersistentVolume,
  PersistentVolumeClaim,
  type Pod,
  type Volume,
} from '@coracle/machinery/api';
import { find } from '@coracle/operator';
import { expand } from '../pod/expand.ts';
import type { HostMount } from '../runtime.ts';
import { writePayload } from './atomic-writer.ts';
import { prepareHostPath } from './host-path.ts';
import { type PayloadContext, payloadOf } from './payloads.ts';

export interface PodVolumesDeps {
  client: Client;
  /** Folder of all pods' volumes. */
  folder: string;
  now(): Date;
}

/** Folder for `medium: Memory`; every Linux has it, and writing there counts as the container's memory. */
const memoryFolder = '/dev/shm';

export class PodVolumes {
  readonly #deps: PodVolumesDeps;
  readonly #podUid: string;
  readonly #paths = new Map<string, string>();

  constructor(podUid: string, deps: PodVolumesDeps) {
    this.#podUid = podUid;
    this.#deps = deps;
  }

  get #folder(): string {
    return join(this.#deps.folder, this.#podUid);
  }

  /** Makes what is missing and brings the rest up to date. Throws in words for a FailedMount event. */
  async setUp(context: PayloadContext): Promise<void> {
    for (const volume of context.pod.spec?.volumes ?? []) {
      try {
        this.#paths.set(volume.name, await this.#prepare(volume, context));
      } catch (error) {
        throw new Error(
          `MountVolume.SetUp failed for volume "${volume.name}" : ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
    }
  }

  async #prepare(volume: Volume, context: PayloadContext): Promise<string> {
    const folder = join(this.#folder, volume.name);
    const { pod } = context;
    const fsGroup = pod.spec?.securityContext?.fsGroup;
    if (volume.emptyDir !== undefined) {
      const path = volume.emptyDir.medium === 'Memory' ? this.#memoryPath(volume.name) : folder;
      if (!existsSync(path)) {
        mkdirSync(path, { recursive: true });
        chmodSync(path, 0o777);
        give(path, fsGroup, 0o2777);
      }
      return path;
    }
    if (volume.hostPath !== undefined) {
      await prepareHostPath(volume.hostPath.path, volume.hostPath.type);
      return volume.hostPath.path;
    }
    if (volume.persistentVolumeClaim !== undefined)
      return this.#claimPath(pod, volume.persistentVolumeClaim.claimName);
    const payload = await payloadOf(volume, context);
    if (payload === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
      throw new Error(`volume type ${kind} is not supported by this node`);
    }
    await writePayload(folder, payload, this.#deps.now());
    if (fsGroup !== undefined) await giveAll(folder, fsGroup);
    return folder;
  }

  #memoryPath(name: string): string {
    try {
      accessSync(memoryFolder, constants.W_OK);
      return join(memoryFolder, `coracle-${this.#podUid}`, name);
    } catch {
      return join(this.#folder, name);
    }
  }

  /** A claim bound to a volume that is a folder of this host. */
  async #claimPath(pod: Pod, name: string): Promise<string> {
    const { client } = this.#deps;
    const { namespace } = pod.metadata;
    const claim = await find(client, PersistentVolumeClaim, { name, namespace });
    if (claim === undefined) throw new Error(`persistentvolumeclaim "${name}" not found`);
    const volumeName = claim.spec?.volumeName;
    if (claim.status?.phase !== 'Bound' || volumeName === undefined)
      throw new Error(`persistentvolumeclaim "${name}" is not bound`);
    const volume = await find(client, PersistentVolume, { name: volumeName });
    const path = volume?.spec?.hostPath?.path ?? volume?.spec?.local?.path;
    if (path === undefined)
      throw new Error(
        `persistentvolume "${volumeName}" is neither hostPath nor local, which is all this node mounts`,
      );
    await prepareHostPath(path, volume?.spec?.hostPath?.type);
    return path;
  }

  /** A file in a volume that is set up. */
  async file(volume: string, path: string): Promise<string | undefined> {
    const folder = this.#paths.get(volume);
    if (folder === undefined) return undefined;
    return readFile(join(folder, inside(path)), 'utf8').catch(() => undefined);
  }

  /** Where a container's volumes lie and belong. Makes sub-paths. Throws in words for a container's waiting message. */
  async mountsOf(container: Container, env: Readonly<Record<string, string>>): Promise<HostMount[]> {
    const mounts: HostMount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const folder = this.#paths.get(mount.name);
      if (folder === undefined)
        throw new Error(`volume ${mount.name} of container ${container.name} not found`);
      const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
      let hostPath = folder;
      if (subPath !== undefined && subPath !== '') {
        hostPath = join(folder, inside(subPath));
        if (!existsSync(hostPath)) await mkdir(hostPath, { recursive: true, mode: 0o750 });
      }
      const mountPath = isAbsolute(mount.mountPath) ? mount.mountPath : join('/', mount.mountPath);
      mounts.push({ hostPath, mountPath, readOnly: mount.readOnly === true });
    }
    return mounts;
  }

  tearDown(): Promise<void> {
    return removeVolumes(this.#deps.folder, this.#podUid);
  }
}

/** Removes what `setUp` made for a pod, by this agent or an earlier one. */
export async function removeVolumes(folder: string, podUid: string): Promise<void> {
  await rm(join(folder, podUid), { recursive: true, force: true });
  await rm(join(memoryFolder, `coracle-${podUid}`), { recursive: true, force: true });
}

function inside(path: string): string {
  const clean = normalize(path);
  if (isAbsolute(clean) || clean === '..' || clean.startsWith('../'))
    throw new Error(`path ${JSON.stringify(path)} must stay inside the volume`);
  return clean;
}

/** fsGroup: the group owns it; only root can give it. */
function give(path: string, group: number | undefined, mode: number): void {
  if (group === undefined || process.getuid?.() !== 0) return;
  chownSync(path, 0, group);
  chmodSync(path, mode);
}

async function giveAll(folder: string, group: number): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), 0, group);
  }
}
