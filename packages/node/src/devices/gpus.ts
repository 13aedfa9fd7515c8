/** GPUs of this host: found with nvidia-smi, or declared. A card is named by its UUID; its index may change at any boot. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

export interface Gpu {
  /** `GPU-5f3a...`: stays with the card. */
  id: string;
  /** Its number in PCI order now: what CUDA calls it with CUDA_DEVICE_ORDER=PCI_BUS_ID. */
  index: number;
  model: string;
  memoryBytes: number;
  /** Declared: there is no such card. */
  fake: boolean;
}

const query = 'uuid,index,name,memory.total';

/** Asks nvidia-smi; [] where there is none or no driver. Rejects never. */
export async function discoverGpus(
  run: (command: string, args: string[]) => Promise<string> = command,
): Promise<Gpu[]> {
  try {
    return parseGpus(await run('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits']));
  } catch {
    return [];
  }
}

async function command(name: string, args: string[]): Promise<string> {
  return (await promisify(execFile)(name, args, { timeout: 10_000 })).stdout;
}

/** Lines of `uuid, index, name, MiB`. Lines that are something else (warnings) are left out. */
export function parseGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .flatMap((line): Gpu[] => {
      const [id = '', index = '', model = '', mebibytes = ''] = line.split(',').map((field) => field.trim());
      if (!/^(GPU|MIG)-/.test(id) || !/^\d+$/.test(index)) return [];
      const memory = Number(mebibytes);
      return [
        {
          id,
          index: Number(index),
          model,
          // Cards that share the machine's memory report [N/A].
          memoryBytes: Number.isFinite(memory) ? memory * 2 ** 20 : 0,
          fake: false,
        },
      ];
    })
    .toSorted((a, b) => a.index - b.index);
}

/** `count` cards that do not exist, for trying things on a machine without any. Ids are the same each time. */
export function fakeGpus(
  count: number,
  options: { model?: string; memoryBytes?: number; seed?: string } = {},
): Gpu[] {
  const { model = 'Coracle-Fake-GPU', memoryBytes = 16 * 2 ** 30, seed = 'coracle' } = options;
  return Array.from({ length: count }, (_, index) => {
    const hex = createHash('sha256').update(`${seed}/${index}`).digest('hex');
    const id = `GPU-${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
    return { id, index, model, memoryBytes, fake: true };
  });
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
