/** How many pods the controllers of some pods want, by their scale subresource. */
import type { Client } from '@coracle/client';
import { controllerOf } from '@coracle/machinery';
import type { OwnerReference } from '@coracle/machinery';
import { ReplicaSet } from '@coracle/machinery/api';
import type { Pod } from '@coracle/machinery/api';
import { find } from '@coracle/operator';
import type { Discovery } from '../lib/discovery.ts';

/** Sums over the different controllers; pods without one add nothing. Rejects when a controller has no scale. */
export async function expectedScale(
  client: Client,
  discover: () => Promise<Discovery>,
  pods: readonly Pod[],
): Promise<number> {
  const controllers = new Map<string, { reference: OwnerReference; namespace: string | undefined }>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (reference) controllers.set(reference.uid, { reference, namespace: pod.metadata.namespace });
  }
  const wanted = new Map<string, number>();
  for (const { reference, namespace } of controllers.values()) {
    const top = await topController(client, reference, namespace);
    if (wanted.has(top.uid)) continue;
    const group = top.apiVersion.includes('/') ? top.apiVersion.split('/')[0] : '';
    const { resources } = await discover();
    const type = resources.find((resource) => resource.kind === top.kind && resource.group === group);
    if (!type) throw new Error(`found no resource of kind ${top.kind} in ${top.apiVersion}`);
    const scale = (await client.get(type, top.name, { namespace, subresource: 'scale' })) as {
      spec?: { replicas?: number };
    };
    wanted.set(top.uid, scale.spec?.replicas ?? 0);
  }
  let sum = 0;
  for (const replicas of wanted.values()) sum += replicas;
  return sum;
}

/** A ReplicaSet of a Deployment stands for only a part while a roll-out goes on: the Deployment counts. */
async function topController(
  client: Client,
  reference: OwnerReference,
  namespace: string | undefined,
): Promise<OwnerReference> {
  if (reference.kind !== ReplicaSet.kind || !reference.apiVersion.startsWith('apps/')) return reference;
  const set = await find(client, ReplicaSet, { name: reference.name, namespace });
  return (set && controllerOf(set)) ?? reference;
}
