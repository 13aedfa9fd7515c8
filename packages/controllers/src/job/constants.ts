/** Names of the batch/v1 Job contract (k8s.io/api/batch/v1 and the Job documentation). */

/** On pods of a Job until they are counted in its status: a pod cannot vanish uncounted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** Annotation and label of an Indexed Job's pods. */
export const completionIndexKey = 'batch.kubernetes.io/job-completion-index';
/** On pods of a Job with backoffLimitPerIndex: failures of the index before this pod. */
export const indexFailureCountKey = 'batch.kubernetes.io/job-index-failure-count';
/** The same for failures that the pod failure policy ignored. */
export const indexIgnoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';
/** The value of spec.managedBy that means this controller. */
export const builtinManager = 'kubernetes.io/job-controller';

/** Pods created or deleted in one round, so that a large Job does not starve small ones. */
export const maxPodWritesPerRound = 500;
/** Most UIDs in status.uncountedTerminatedPods (keeps the status below 20 KB). */
export const maxUncountedPods = 500;
