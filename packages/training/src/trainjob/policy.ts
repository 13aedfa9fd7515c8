/** The variables by which a training program finds its peers: one block a framework, and the plain ones. */
import { valueOf_ } from '@coracle/machinery';
import type { core_v1 } from '@coracle/machinery/api';
import { containerOf, hostOf, type Plan, podSpecOf } from './plan.ts';
import { addPort, field, setEnv, setMissingEnv, value } from './env.ts';
import { gpusOf } from './gpus.ts';
import { indexField, nodeName, trainerPort } from './keys.ts';
import type { TorchPolicy } from './types.ts';

export function applyPolicy(plan: Plan, isPlain: boolean): void {
  const { trainer } = plan;
  const container = containerOf(trainer, nodeName);
  if (!trainer || !container) return;
  const { torch, jax, xgboost } = plan.runtime.spec.mlPolicy ?? {};
  const master = hostOf(plan, trainer, 0);
  if (torch) applyTorch(plan, torch, container, master);
  if (jax) {
    setEnv(
      container,
      value('JAX_NUM_PROCESSES', plan.numNodes),
      field('JAX_PROCESS_ID', indexField),
      value('JAX_COORDINATOR_ADDRESS', `${master}:${trainerPort}`),
    );
  }
  if (xgboost) {
    const perNode = Math.max(1, gpusOf(container.resources));
    setEnv(
      container,
      value('DMLC_TRACKER_URI', master),
      value('DMLC_TRACKER_PORT', trainerPort),
      field('DMLC_TASK_ID', indexField),
      value('DMLC_NUM_WORKER', plan.numNodes * perNode),
    );
  }
  // Whoever sets these for a program of their own knows why.
  if (isPlain) {
    setMissingEnv(
      container,
      value('MASTER_ADDR', master),
      value('MASTER_PORT', trainerPort),
      value('WORLD_SIZE', plan.numNodes),
      field('RANK', indexField),
    );
  }
  if (torch || jax || xgboost || isPlain) addPort(container, trainerPort);
}

function applyTorch(plan: Plan, torch: TorchPolicy, container: core_v1.Container, master: string): void {
  const vars = [
    value('PET_NNODES', plan.numNodes),
    value('PET_NPROC_PER_NODE', processesPerNode(plan, torch, container.resources)),
    field('PET_NODE_RANK', indexField),
    value('PET_MASTER_ADDR', master),
    value('PET_MASTER_PORT', trainerPort),
  ];
  setEnv(container, ...vars);
  for (const { jobName, containerNames } of torch.envInjection?.targets ?? []) {
    const job = plan.spec.replicatedJobs.find((j) => j.name === jobName);
    const all = job ? [...podSpecOf(job).containers, ...(podSpecOf(job).initContainers ?? [])] : [];
    for (const other of all.filter((c) => containerNames.includes(c.name))) setEnv(other, ...vars);
  }
}

/** A number, or the word by which torchrun counts the node's devices itself. */
function processesPerNode(
  plan: Plan,
  torch: TorchPolicy,
  resources: core_v1.ResourceRequirements | undefined,
): string {
  const wanted = plan.trainJob.spec.trainer?.numProcPerNode ?? torch.numProcPerNode ?? 'auto';
  const cpus = Math.max(1, valueOf_(resources?.requests?.['cpu']) || valueOf_(resources?.limits?.['cpu']));
  if (wanted === 'cpu') return String(cpus);
  if (wanted === 'auto' && gpusOf(resources) === 0) return String(cpus);
  return String(wanted);
}
