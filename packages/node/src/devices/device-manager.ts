/**
 * Which container has which device. The table is in a file that is replaced whole, with a checksum, before a container
 * starts: an agent that comes back never gives one card to two pods.
 * Invariant: every id is in at most one pod's entries; an init container may hold ids that the pod's other containers hold too.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Gpu } from './gpus.ts';

export const gpuResource = 'nvidia.com/gpu';
/** On pods: `container=uuid,uuid;container=uuid`. */
export const gpuAnnotation = 'coracle.dev/gpu-ids';

export interface DeviceRequest {
  container: string;
  count: number;
  /** Init containers run before the others and may use the same cards. */
  init: boolean;
}
interface Entry {
  podUid: string;
  container: string;
  ids: string[];
}

export interface DeviceManager {
  readonly devices: readonly Gpu[];
  /** Ids for each container; the same answer as before for a pod that has them already. Throws when too few are free. */
  allocate(podUid: string, requests: readonly DeviceRequest[]): void;
  /** Cards of a container, by index. */
  of(podUid: string, container: string): Gpu[];
  release(podUid: string): void;
  /** Releases what pods not in the set hold. */
  retain(podUids: ReadonlySet<string>): void;
  readonly free: number;
  /** The value of the annotation; undefined if the pod has no device. */
  annotation(podUid: string): string | undefined;
  /** What was wrong with the checkpoint when it was read, if anything. */
  readonly problem: string | undefined;
}

export interface DeviceManagerOptions {
  devices: readonly Gpu[];
  /** Absent: nothing is kept. */
  checkpointPath?: string | undefined;
}

const checksum = (entries: readonly Entry[]): string =>
  createHash('sha256').update(JSON.stringify(entries)).digest('hex');

function readCheckpoint(path: string): { entries: Entry[]; problem?: string } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? { entries: [] }
      : { entries: [], problem: `${path} cannot be read: ${String(error)}` };
  }
  try {
    const data = JSON.parse(text) as { entries: Entry[]; checksum: string };
    if (data.checksum === checksum(data.entries)) return { entries: data.entries };
  } catch {
    // Said below.
  }
  return { entries: [], problem: `${path} is damaged; devices of running pods are not known` };
}

/** Reads the checkpoint. */
export function createDeviceManager(options: DeviceManagerOptions): DeviceManager {
  const { devices, checkpointPath } = options;
  const byId = new Map(devices.map((device) => [device.id, device]));
  const read = checkpointPath === undefined ? { entries: [] } : readCheckpoint(checkpointPath);
  let entries: Entry[] = read.entries;

  const save = (next: Entry[]): void => {
    entries = next;
    if (checkpointPath === undefined) return;
    mkdirSync(dirname(checkpointPath), { recursive: true });
    const draft = `${checkpointPath}.${randomUUID().slice(0, 8)}`;
    writeFileSync(draft, `${JSON.stringify({ entries, checksum: checksum(entries) })}\n`, {
      mode: 0o600,
      flush: true,
    });
    renameSync(draft, checkpointPath);
  };
  const free = (): Gpu[] => {
    const taken = new Set(entries.flatMap((entry) => entry.ids));
    return devices.filter((device) => !taken.has(device.id));
  };

  return {
    devices,
    problem: read.problem,
    allocate(podUid, requests) {
      if (entries.some((entry) => entry.podUid === podUid)) return;
      const wanted = requests.filter((request) => request.count > 0);
      if (wanted.length === 0) return;
      const spare = free();
      const made: Entry[] = [];
      const own: string[] = [];
      const take = (count: number): string[] => {
        const ids = spare.splice(0, count).map((device) => device.id);
        if (ids.length < count)
          throw new Error(
            `requested number of devices unavailable for ${gpuResource}. Requested: ${count}, Available: ${ids.length}`,
          );
        own.push(...ids);
        return ids;
      };
      for (const { container, count, init } of wanted)
        if (!init) made.push({ podUid, container, ids: take(count) });
      for (const { container, count, init } of wanted) {
        if (!init) continue;
        const shared = own.slice(0, count);
        made.push({ podUid, container, ids: [...shared, ...take(count - shared.length)] });
      }
      save([...entries, ...made]);
    },
    of(podUid, container) {
      const entry = entries.find((each) => each.podUid === podUid && each.container === container);
      return (entry?.ids ?? []).flatMap((id) => byId.get(id) ?? []).toSorted((a, b) => a.index - b.index);
    },
    release(podUid) {
      if (entries.some((entry) => entry.podUid === podUid))
        save(entries.filter((entry) => entry.podUid !== podUid));
    },
    retain(podUids) {
      const kept = entries.filter((entry) => podUids.has(entry.podUid));
      if (kept.length < entries.length) save(kept);
    },
    get free() {
      return free().length;
    },
    annotation(podUid) {
      const own = entries.filter((entry) => entry.podUid === podUid);
      if (own.length === 0) return undefined;
      return own.map((entry) => `${entry.container}=${entry.ids.join(',')}`).join(';');
    },
  };
}

/**
 * The variables that show a container its cards and no other. Without cards NVIDIA's container runtime wants `void`, CUDA an
 * empty list. CUDA counts in PCI order, as nvidia-smi's index does.
 */
export function gpuEnvironment(gpus: readonly Gpu[]): Record<string, string> {
  return {
    NVIDIA_VISIBLE_DEVICES: gpus.length === 0 ? 'void' : gpus.map((gpu) => gpu.id).join(','),
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: gpus.map((gpu) => gpu.index).join(','),
  };
}
