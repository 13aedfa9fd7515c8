/** Makes the TrainJob of `coracle run -- COMMAND`. */
import type { Unstructured } from '@coracle/machinery';
import { basename } from 'node:path';
import { CliError } from '../context.ts';

/** The annotation by which the `process` runtime knows where a container without `workingDir` starts. */
export const workingDirectoryAnnotation = 'coracle.dev/working-directory';

export interface CommandJob {
  name?: string | undefined;
  namespace: string;
  command: readonly string[];
  workers: number;
  /** GPUs a worker. */
  gpus: number;
  cpu?: string | undefined;
  memory?: string | undefined;
  /** `NAME=value`. */
  env: readonly string[];
  /** Absolute path in which the command starts. */
  directory: string;
  image?: string | undefined;
  /** ClusterTrainingRuntime; `plain` sets MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE. */
  runtime: string;
  random: () => number;
}

/** A TrainJob that runs `command` on every worker. */
export function trainJobFor(job: CommandJob): Unstructured {
  const resources: Record<string, string> = {};
  if (job.cpu) resources['cpu'] = job.cpu;
  if (job.memory) resources['memory'] = job.memory;
  const limits: Record<string, string> = job.memory ? { memory: job.memory } : {};
  if (job.gpus > 0) {
    resources['nvidia.com/gpu'] = String(job.gpus);
    limits['nvidia.com/gpu'] = String(job.gpus);
  }
  return inDirectory(
    {
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'TrainJob',
      metadata: { name: job.name ?? nameFor(job.command, job.random), namespace: job.namespace } as never,
      spec: {
        runtimeRef: { name: job.runtime },
        trainer: {
          ...(job.image ? { image: job.image } : {}),
          numNodes: job.workers,
          command: [...job.command],
          ...(job.env.length > 0 ? { env: job.env.map(variable) } : {}),
          ...(Object.keys(resources).length > 0 ? { resourcesPerNode: { requests: resources, limits } } : {}),
        },
      },
    },
    job.directory,
  );
}

function variable(text: string): { name: string; value: string } {
  const at = text.indexOf('=');
  if (at <= 0) throw new CliError(`--env ${text}: write NAME=value`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** `python train.py` -> `train-x7k2p`: the script's name, made a DNS label, and five letters against collisions. */
function nameFor(command: readonly string[], random: () => number): string {
  const word = command.find((part, i) => i > 0 && /\.\w+$/.test(part)) ?? command[0] ?? 'job';
  const base = basename(word)
    .replace(/\.\w+$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 30);
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  const tail = Array.from({ length: 5 }, () => letters[Math.floor(random() * letters.length)]).join('');
  return `${base || 'job'}-${tail}`;
}

/**
 * The object with a note, on its pods' template, of where its commands start: the folder of the manifest (or the current
 * one). Only the `process` runtime reads it, so the object means the same on any cluster. Objects that carry a note
 * already, and kinds that run nothing, come back as they are.
 */
export function inDirectory(object: Unstructured, directory: string): Unstructured {
  const copy = structuredClone(object);
  const spec = copy['spec'] as Loose | undefined;
  const note = (owner: Loose): void => {
    owner.metadata ??= {};
    owner.metadata.annotations ??= {};
    owner.metadata.annotations[workingDirectoryAnnotation] ??= directory;
  };
  switch (copy.kind) {
    case 'Pod':
      note(copy as Loose);
      break;
    case 'Job':
      if (spec?.template) note(spec.template);
      break;
    case 'JobSet':
      for (const job of spec?.replicatedJobs ?? []) {
        if (job.template?.spec?.template) note(job.template.spec.template);
      }
      break;
    case 'TrainJob': {
      if (!spec) break;
      const patches = (spec.runtimePatches ??= []);
      if (patches.some((patch) => patch.manager === runManager)) break;
      patches.push({
        manager: runManager,
        trainingRuntimeSpec: {
          template: {
            spec: {
              replicatedJobs: [
                {
                  name: 'node',
                  template: {
                    spec: {
                      template: { metadata: { annotations: { [workingDirectoryAnnotation]: directory } } },
                    },
                  },
                },
              ],
            },
          },
        },
      });
      break;
    }
    default:
  }
  return copy;
}
const runManager = 'coracle.dev/run';

/** The parts of a workload, of any kind, that lead to its pods' template. */
interface Loose {
  metadata?: { annotations?: Record<string, string> };
  spec?: Loose;
  template?: Loose;
  replicatedJobs?: Loose[];
  runtimePatches?: { manager: string; trainingRuntimeSpec?: unknown }[];
}
