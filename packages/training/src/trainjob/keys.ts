/** Names of Kubeflow Trainer (pkg/constants) and of this project that manifests and programs rely on. */

/** On a replicated job's template: which part of a TrainJob it runs. */
export const ancestorStep = 'trainer.kubeflow.org/trainjob-ancestor-step';
export const frameworkLabel = 'trainer.kubeflow.org/framework';
/** On a runtime: its trainer pods also get MASTER_ADDR, MASTER_PORT, WORLD_SIZE and RANK. All built-in runtimes have it. */
export const plainEnvLabel = 'coracle.dev/plain-env';

export const trainerStep = 'trainer';
export const datasetStep = 'dataset-initializer';
export const modelStep = 'model-initializer';
/** Name of the trainer's container, and of the replicated job of an MPI runtime's workers. */
export const nodeName = 'node';
export const launcherName = 'launcher';

/** Port of rank 0 for rendezvous. */
export const trainerPort = 29_500;
/** The pod's index in its Job: its rank. */
export const indexField = "metadata.annotations['batch.kubernetes.io/job-completion-index']";

/** `spec.managedBy` of TrainJobs that are this controller's; also when it is absent. */
export const trainJobManager = 'trainer.kubeflow.org/trainjob-controller';
export const multikueueManager = 'kueue.x-k8s.io/multikueue';

/** Variables that the policies set, and a TrainJob's own `env` may not. */
export const reservedEnv = {
  torch: ['PET_NNODES', 'PET_NPROC_PER_NODE', 'PET_NODE_RANK', 'PET_MASTER_ADDR', 'PET_MASTER_PORT'],
  xgboost: ['DMLC_TRACKER_URI', 'DMLC_TRACKER_PORT', 'DMLC_TASK_ID', 'DMLC_NUM_WORKER'],
  mpi: [
    'OMPI_MCA_orte_default_hostfile',
    'OMPI_MCA_plm_rsh_args',
    'OMPI_MCA_orte_keep_fqdn_hostnames',
    'OMPI_MCA_orte_set_default_slots',
  ],
} as const;
