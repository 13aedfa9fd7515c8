/** GPUs of this host: found with nvidia-smi, or declared. A card is named by its UUID; its index may change at any boot. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { declaredLinks, linksOf, type DeclaredTopology } from './links.ts';

export interface Gpu {
  /** `GPU-5f3a...`: stays with the card. */
  id: string;
  /** Its number in PCI order now: what CUDA calls it with CUDA_DEVICE_ORDER=PCI_BUS_ID. */
  index: number;
  model: string;
  memoryBytes: number;
  /** Declared: there is no such card. */
  fake: boolean;
  /** The memory node it is near to. */
  numaNode?: number | undefined;
  /** `0000:3b:00.0`, and the root of that bus: `pci0000:3a`. */
  pciBusId?: string | undefined;
  pcieRoot?: string | undefined;
  /** How it is linked with others, by their ids, in the words of `nvidia-smi topo -m`. */
  links?: Readonly<Record<string, string>> | undefined;
  /** It can be had in partitions too (MIG). Only of declared cards yet. */
  mig?: boolean | undefined;
}

const query = 'uuid,index,name,memory.total,pci.bus_id';

type Run = (command: string, args: string[]) => Promise<string>;

/** Asks nvidia-smi; [] where there is none or no driver. Rejects never. */
export async function discoverGpus(run: Run = command): Promise<Gpu[]> {
  let gpus: Gpu[];
  try {
    gpus = parseGpus(await run('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits']));
  } catch {
    return [];
  }
  const matrix = gpus.length === 0 ? '' : await run('nvidia-smi', ['topo', '-m']).catch(() => '');
  const links = linksOf(matrix, gpus);
  return Promise.all(
    gpus.map(async (gpu) => ({ ...gpu, ...(await placeOf(gpu.pciBusId)), links: links.get(gpu.id) })),
  );
}

async function command(name: string, args: string[]): Promise<string> {
  return (await promisify(execFile)(name, args, { timeout: 10_000 })).stdout;
}

/** What the kernel says of a PCI device; nothing where it says nothing. */
async function placeOf(busId: string | undefined): Promise<Pick<Gpu, 'numaNode' | 'pcieRoot'>> {
  if (busId === undefined) return {};
  const folder = `/sys/bus/pci/devices/${busId}`;
  const [numa, path] = await Promise.all([
    readFile(`${folder}/numa_node`, 'utf8').catch(() => ''),
    realpath(folder).catch(() => ''),
  ]);
  const numaNode = /^\d+\s*$/.test(numa) ? Number(numa) : undefined;
  const root = /\/(pci[0-9a-f]{4}:[0-9a-f]{2})\//.exec(path)?.[1];
  return { numaNode, pcieRoot: root };
}

/** Lines of `uuid, index, name, MiB[, bus]`. Lines that are something else (warnings) are left out. */
export function parseGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .flatMap((line): Gpu[] => {
      const fields = line.split(',').map((field) => field.trim());
      const [id = '', index = '', model = '', mebibytes = '', bus = ''] = fields;
      if (!/^(GPU|MIG)-/.test(id) || !/^\d+$/.test(index)) return [];
      const memory = Number(mebibytes);
      const gpu: Gpu = {
        id,
        index: Number(index),
        model,
        // Cards that share the machine's memory report [N/A].
        memoryBytes: Number.isFinite(memory) ? memory * 2 ** 20 : 0,
        fake: false,
      };
      // The kernel writes the domain with four digits, nvidia-smi with eight.
      if (/^[0-9A-F]{8}:/i.test(bus)) gpu.pciBusId = bus.slice(4).toLowerCase();
      return [gpu];
    })
    .toSorted((a, b) => a.index - b.index);
}

export interface FakeGpuOptions {
  model?: string | undefined;
  memoryBytes?: number | undefined;
  seed?: string | undefined;
  /** How they are linked; default: it is not said. */
  topology?: DeclaredTopology | undefined;
  /** They can be had in partitions too. */
  mig?: boolean | undefined;
}

/** `count` cards that do not exist, for trying things on a machine without any. Ids are the same each time. */
export function fakeGpus(count: number, options: FakeGpuOptions = {}): Gpu[] {
  const { model = 'Coracle-Fake-GPU', seed = 'coracle', topology, mig } = options;
  // The cards of such machines are large.
  const { memoryBytes = (topology === 'dgx' || mig ? 80 : 16) * 2 ** 30 } = options;
  const gpus = Array.from({ length: count }, (_, index): Gpu => {
    const hex = createHash('sha256').update(`${seed}/${index}`).digest('hex');
    const id = `GPU-${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
    return { id, index, model, memoryBytes, fake: true, ...(mig ? { mig } : {}) };
  });
  return topology === undefined ? gpus : declaredLinks(gpus, topology);
}

/** Labels that GPU feature discovery puts on nodes. */
export function gpuLabels(gpus: readonly Gpu[]): Record<string, string> {
  const first = gpus[0];
  if (first === undefined) return {};
  return {
    'nvidia.com/gpu.present': 'true',
    'nvidia.com/gpu.count': String(gpus.length),
    'nvidia.com/gpu.product': first.model
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .slice(0, 63)
      .replace(/[-._]+$/, ''),
    'nvidia.com/gpu.memory': String(Math.floor(first.memoryBytes / 2 ** 20)),
  };
}
