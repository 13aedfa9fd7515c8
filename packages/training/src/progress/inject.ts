import type { ReplicatedJob } from '../jobset/types.ts';
import { setEnv, value } from '../trainjob/env.ts';
import { podSpecOf } from '../trainjob/plan.ts';
import {
  certificatesName,
  progressAudience,
  type ProgressEndpoint,
  progressPath,
  tokenFolder,
  tokenVolume,
} from './contract.ts';

/** Gives all containers of the trainer what they need to report the TrainJob's progress. */
export function addProgressReporting(
  trainer: ReplicatedJob,
  trainJob: { namespace: string; name: string },
  endpoint: ProgressEndpoint,
): void {
  const { namespace, name } = trainJob;
  const podSpec = podSpecOf(trainer);
  for (const container of podSpec.containers) {
    setEnv(
      container,
      value('KUBEFLOW_TRAINER_SERVER_URL', `${endpoint.url}${progressPath(namespace, name)}`),
      value('KUBEFLOW_TRAINER_SERVER_CA_CERT', `${tokenFolder}/ca.crt`),
      value('KUBEFLOW_TRAINER_SERVER_TOKEN', `${tokenFolder}/token`),
    );
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: tokenVolume, mountPath: tokenFolder, readOnly: true },
    ];
  }
  podSpec.volumes = [
    ...(podSpec.volumes ?? []),
    {
      name: tokenVolume,
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: progressAudience(namespace, name),
              expirationSeconds: 3600,
              path: 'token',
            },
          },
          { configMap: { name: certificatesName(name), items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        ],
      },
    },
  ];
}
