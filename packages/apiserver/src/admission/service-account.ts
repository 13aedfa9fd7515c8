/** Every pod runs as a service account and gets its token, the cluster's CA and its namespace as a projected volume. */
import { generateName } from '@coracle/machinery';
import type { Pod, ServiceAccount } from '@coracle/machinery/api';
import type { AdmissionPlugin } from '../contracts.ts';
import { tokenProjection } from '../strategy/token-projection.ts';
import { type AdmissionDeps, annotation, containersOf, createdPod, refuse } from './common.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const prefix = 'kube-api-access-';

function mountToken(pod: Pod, volume: string): void {
  const spec = pod.spec;
  if (!spec) return;
  const volumes = Array.isArray(spec.volumes) ? spec.volumes : [];
  // A pod copied from a running one brings its volume along.
  const present = volumes.find((volume) => volume?.name?.startsWith(prefix));
  const name = present?.name ?? volume;
  let needed = false;
  for (const container of containersOf(pod)) {
    const mounts = Array.isArray(container.volumeMounts) ? container.volumeMounts : [];
    if (mounts.some((mount) => mount?.mountPath === mountPath)) continue;
    needed = true;
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath }];
  }
  if (needed && !present) spec.volumes = [...volumes, { name, projected: tokenProjection }];
}

export function serviceAccount({ lookup, random = Math.random }: AdmissionDeps): AdmissionPlugin {
  // Told apart from a pod's other volumes, which is all it needs: with one name for all, pods of one template stay equal.
  const volume = generateName(prefix, random);
  return {
    name: 'ServiceAccount',
    completes: true,
    mutate(request) {
      const pod = createdPod(request);
      if (!pod?.spec) return;
      const { spec } = pod;
      if (annotation(request.object, 'kubernetes.io/config.mirror') !== undefined) {
        if (spec.serviceAccountName) throw refuse(request, 'a mirror pod may not reference service accounts');
        return;
      }
      spec.serviceAccountName ||= spec.serviceAccount || 'default';
      const name = spec.serviceAccountName;
      const account = lookup.get('', 'serviceaccounts', request.namespace, name) as
        | ServiceAccount
        | undefined;
      if (!account)
        throw refuse(
          request,
          `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
        );
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
        mountToken(pod, volume);
      if (!Array.isArray(spec.imagePullSecrets) || spec.imagePullSecrets.length === 0) {
        const secrets = account.imagePullSecrets ?? [];
        if (secrets.length > 0) spec.imagePullSecrets = secrets.map((secret) => ({ ...secret }));
      }
    },
  };
}
