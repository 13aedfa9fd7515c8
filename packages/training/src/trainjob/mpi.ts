/**
 * MPI: a launcher that reaches its workers by SSH. The TrainJob gets a key pair in a Secret, and a hostfile in a ConfigMap;
 * both are mounted where Open MPI and sshd look.
 */
import type { core_v1 } from '@coracle/machinery/api';
import { containerOf, hostOf, type Plan, podSpecOf } from './plan.ts';
import { setEnv, value } from './env.ts';
import { launcherName, nodeName } from './keys.ts';
import { gpusOf } from './gpus.ts';
import type { MpiPolicy } from './types.ts';

export interface MpiParts {
  hostfile: string;
  slots: number;
}

export const sshSecretName = (trainJob: string): string => `${trainJob}-mpi-ssh-auth`;
export const hostfileName = (trainJob: string): string => `${trainJob}-mpi-hostfile`;
export const sshPublicKey = 'ssh-publickey';
const hostfileFolder = '/etc/mpi';

export function applyMpi(plan: Plan, mpi: MpiPolicy): void {
  const { name } = plan.trainJob.metadata;
  for (const job of plan.spec.replicatedJobs) {
    if (job.name !== nodeName && job.name !== launcherName) continue;
    const podSpec = podSpecOf(job);
    podSpec.volumes = [...(podSpec.volumes ?? []), sshVolume(name)];
    const container = containerOf(job, nodeName);
    if (container) mount(container, 'mpi-ssh-auth', mpi.sshAuthMountPath ?? '/root/.ssh');
    if (job.name !== launcherName) continue;
    podSpec.volumes.push({
      name: 'mpi-hostfile',
      configMap: { name: hostfileName(name), items: [{ key: 'hostfile', path: 'hostfile', mode: 0o444 }] },
    });
    if (!container) continue;
    mount(container, 'mpi-hostfile', hostfileFolder);
    setEnv(
      container,
      value('OMPI_MCA_orte_default_hostfile', `${hostfileFolder}/hostfile`),
      value('OMPI_MCA_orte_keep_fqdn_hostnames', 'true'),
      value('OMPI_MCA_orte_set_default_slots', slotsOf(plan, mpi)),
      value('OMPI_MCA_plm_rsh_args', '-o ConnectionAttempts=10'),
    );
  }
}

/** Processes a node: said, or one a GPU. */
export function slotsOf(plan: Plan, mpi: MpiPolicy): number {
  const said = plan.trainJob.spec.trainer?.numProcPerNode ?? mpi.numProcPerNode ?? 1;
  if (plan.trainJob.spec.trainer?.numProcPerNode !== undefined || said !== 1) return said;
  return Math.max(1, gpusOf(containerOf(plan.trainer, nodeName)?.resources));
}

export function hostfile(plan: Plan, mpi: MpiPolicy): string {
  const slots = slotsOf(plan, mpi);
  return plan.spec.replicatedJobs
    .filter((job) => job.name === nodeName || (mpi.runLauncherAsNode && job.name === launcherName))
    .flatMap((job) =>
      Array.from({ length: job.replicas ?? 1 }, (_, index) =>
        Array.from({ length: job.template.spec?.parallelism ?? 1 }, (__, pod) =>
          hostOf(plan, job, pod, index),
        ),
      ).flat(),
    )
    .map((host) => `${host} slots=${slots}\n`)
    .join('');
}

function sshVolume(trainJob: string): core_v1.Volume {
  return {
    name: 'mpi-ssh-auth',
    secret: {
      secretName: sshSecretName(trainJob),
      defaultMode: 0o400,
      items: [
        { key: 'ssh-privatekey', path: 'id_rsa', mode: 0o640 },
        { key: sshPublicKey, path: 'id_rsa.pub', mode: 0o644 },
        { key: sshPublicKey, path: 'authorized_keys', mode: 0o644 },
      ],
    },
  };
}

function mount(container: core_v1.Container, name: string, mountPath: string): void {
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, mountPath }];
}
