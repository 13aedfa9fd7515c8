/**
 * How training code tells its progress (Kubeflow Trainer, pkg/statusserver and its TrainJobStatus plugin): three variables
 * say where to send it, whom to trust and which token to show; the token is good for this one TrainJob only.
 */
export const tokenFolder = '/var/run/secrets/kubeflow/trainer';
export const tokenVolume = 'kubeflow-trainer-token';

/** Where a cluster's progress server is reached. */
export interface ProgressEndpoint {
  /** `https://127.0.0.1:8444`, without a path. */
  url: string;
  /** PEM of the certificates that its clients are to trust. */
  ca: string;
}

export const progressPath = (namespace: string, name: string): string =>
  `/apis/trainer.kubeflow.org/v1alpha1/namespaces/${namespace}/trainjobs/${name}/status`;

/** Audience of the tokens that may report on a TrainJob. */
export const progressAudience = (namespace: string, name: string): string =>
  `trainer.kubeflow.org/v1alpha1/namespaces/${namespace}/trainjobs/${name}/status`;

/** ConfigMap with the certificates, beside each TrainJob. */
export const certificatesName = (trainJob: string): string => `${trainJob}-tls-config`;
