/** Makes the claims of pods' generic ephemeral volumes. Each is owned by its pod and goes with it. */
import { isReason, keyOf } from '@coracle/machinery';
import { PersistentVolumeClaim, Pod } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';

export function ephemeralVolumeController(deps: ComponentDeps): Component {
  const { client, recorder } = deps;
  const pods = deps.informers.informer(Pod);
  const claims = deps.informers.informer(PersistentVolumeClaim);
  const controller = createController(deps, {
    name: 'ephemeral-volume-controller',
    workers: 4,
    waitFor: [pods, claims],
    async reconcile(key) {
      const pod = pods.byKey(key);
      if (!pod || pod.metadata.deletionTimestamp !== undefined) return;
      const { namespace = '', name: podName, uid } = pod.metadata;
      for (const { name: volumeName, ephemeral } of pod.spec?.volumes ?? []) {
        const template = ephemeral?.volumeClaimTemplate;
        if (!template) continue;
        const name = `${podName}-${volumeName}`;
        const present = claims.get(name, namespace);
        if (present) {
          if (present.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid))
            continue;
          const message = `PVC ${namespace}/${name} was not created for pod ${key} (pod is not owner)`;
          throw new Error(message);
        }
        const { labels, annotations } = template.metadata ?? {};
        const owner = {
          apiVersion: 'v1',
          kind: 'Pod',
          name: podName,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        };
        try {
          await client.create(
            PersistentVolumeClaim,
            {
              metadata: {
                name,
                ...(labels ? { labels } : {}),
                ...(annotations ? { annotations } : {}),
                ownerReferences: [owner],
              },
              spec: template.spec,
            },
            { namespace },
          );
        } catch (error) {
          // The cache is behind: its event brings the pod here again.
          if (isReason(error, 'AlreadyExists')) return;
          const text = error instanceof Error ? error.message : String(error);
          recorder.event(pod, 'Warning', 'FailedToCreateClaim', `ephemeral volume ${volumeName}: ${text}`);
          throw error;
        }
      }
    },
  });
  const see = (pod: Pod): void => {
    if (pod.spec?.volumes?.some(({ ephemeral }) => ephemeral)) controller.queue.add(keyOf(pod));
  };
  // Volumes of a pod never change.
  pods.on({ add: see });
  claims.on({
    delete({ metadata }) {
      const owner = metadata.ownerReferences?.find((o) => o.controller && o.kind === 'Pod');
      if (owner) controller.queue.add(`${metadata.namespace ?? ''}/${owner.name}`);
    },
  });
  return controller;
}
