/** Labels and annotations of JobSet (jobset.x-k8s.io api/jobset/v1alpha2, pkg/constants). */
export const jobSetKeys = {
  jobSetName: 'jobset.sigs.k8s.io/jobset-name',
  jobSetUid: 'jobset.sigs.k8s.io/jobset-uid',
  replicatedJobName: 'jobset.sigs.k8s.io/replicatedjob-name',
  replicatedJobReplicas: 'jobset.sigs.k8s.io/replicatedjob-replicas',
  globalReplicas: 'jobset.sigs.k8s.io/global-replicas',
  jobIndex: 'jobset.sigs.k8s.io/job-index',
  jobGlobalIndex: 'jobset.sigs.k8s.io/job-global-index',
  jobKey: 'jobset.sigs.k8s.io/job-key',
  groupName: 'jobset.sigs.k8s.io/group-name',
  groupReplicas: 'jobset.sigs.k8s.io/group-replicas',
  jobGroupIndex: 'jobset.sigs.k8s.io/job-group-index',
  restartAttempt: 'jobset.sigs.k8s.io/restart-attempt',
  jobRestartAttempt: 'jobset.sigs.k8s.io/job-restart-attempt',
  coordinator: 'jobset.sigs.k8s.io/coordinator',
  exclusiveTopology: 'alpha.jobset.sigs.k8s.io/exclusive-topology',
  nodeSelectorStrategy: 'alpha.jobset.sigs.k8s.io/node-selector',
  namespacedJob: 'alpha.jobset.sigs.k8s.io/namespaced-job',
  noScheduleTaint: 'alpha.jobset.sigs.k8s.io/no-schedule',
} as const;

/** `spec.managedBy` of JobSets that are this controller's; also when it is absent. */
export const jobSetManager = 'jobset.sigs.k8s.io/jobset-controller';
