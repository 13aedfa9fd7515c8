/** The live wiring of Deployments: their ReplicaSets, roll-outs and status. */
import { controllerOf, isReason, keyOf, selectorFrom } from '@coracle/machinery';
import { Deployment, Pod, ReplicaSet } from '@coracle/machinery/api';
import { createController, patchStatus } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../../deps.ts';
import { adoption, claim, controllerReference, isOfType, letGo } from '../../lib/claim.ts';
import { patchMetadata } from '../../lib/finalizers.ts';
import { OwnWrites } from '../../lib/own-writes.ts';
import { isTerminal } from '../../lib/pods.ts';
import { byController, ensurePodIndexes } from '../../lib/pod-indexes.ts';
import { findNewSet, replicasOf, revisionKey } from './replica-sets.ts';
import { planRollout } from './rollout.ts';
import type { RolloutPlan } from './rollout.ts';
import { deploymentStatus } from './status.ts';

const ownerIndex = 'deployment-controller/owner';
const maxRounds = 10;

export function deploymentController(deps: ComponentDeps): Component {
  const { client, clock, recorder } = deps;
  const deployments = deps.informers.informer(Deployment);
  const sets = deps.informers.informer(ReplicaSet);
  const pods = deps.informers.informer(Pod);
  sets.addIndex(ownerIndex, (set) => {
    const owner = controllerOf(set);
    if (!owner) return [`orphan/${set.metadata.namespace}`];
    return isOfType(owner, Deployment) ? [owner.uid] : [];
  });
  ensurePodIndexes(pods);
  const ownDeployments = new OwnWrites(deployments, clock);
  const ownSets = new OwnWrites(sets, clock);

  const setsOf = async (deployment: Deployment): Promise<ReplicaSet[]> => {
    const { uid, namespace, name } = deployment.metadata;
    const known = ownSets.list(sets.byIndex(ownerIndex, uid), uid);
    const orphans = ownSets.list(sets.byIndex(ownerIndex, `orphan/${namespace}`), '');
    const claims = claim(deployment, selectorFrom(deployment.spec?.selector), [...known, ...orphans]);
    if (claims.adopt.length > 0) {
      const live = await client.get(Deployment, name, { namespace });
      const may = live.metadata.uid === uid && live.metadata.deletionTimestamp === undefined;
      const reference = controllerReference(Deployment, deployment);
      for (const set of may ? claims.adopt : []) {
        const adopted = await patchMetadata(client, ReplicaSet, set, (now) => adoption(reference, now));
        if (adopted) ownSets.wrote(adopted);
        if (adopted && controllerOf(adopted)?.uid === uid) claims.owned.push(adopted);
      }
    }
    for (const set of claims.release) {
      const released = await patchMetadata(client, ReplicaSet, set, (now) => letGo(uid, now));
      if (released) ownSets.wrote(released);
    }
    return claims.owned;
  };

  const carryOut = async (deployment: Deployment, plan: RolloutPlan): Promise<void> => {
    const { namespace, uid, resourceVersion } = deployment.metadata;
    if (plan.create) {
      const draft = plan.create;
      try {
        await ownSets.create(uid, () => client.create(ReplicaSet, draft, { namespace }));
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
        // Ours and not told yet, or another template of the same hash: the next look has the one, a count the other.
        const other = await client.get(ReplicaSet, draft.metadata.name ?? '', { namespace });
        if (controllerOf(other)?.uid === uid && findNewSet(deployment, [other])) throw error;
        const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
        ownDeployments.wrote(await patchStatus(client, Deployment, deployment, status));
      }
    }
    for (const { set, replicas, annotations } of plan.change) {
      const before = replicasOf(set);
      const written = await client.update(ReplicaSet, {
        ...set,
        metadata: { ...set.metadata, annotations },
        ...(set.spec ? { spec: { ...set.spec, replicas } } : {}),
      });
      ownSets.wrote(written);
      if (before === replicas) continue;
      const how = replicas > before ? 'up' : 'down';
      const message = `Scaled ${how} replica set ${set.metadata.name} from ${before} to ${replicas}`;
      recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message);
    }
    if (plan.revision !== undefined) {
      const annotations = { [revisionKey]: plan.revision };
      const metadata = { uid, resourceVersion, annotations };
      ownDeployments.wrote(
        await client.patch(Deployment, deployment.metadata.name, 'merge', { metadata }, { namespace }),
      );
    }
    for (const set of plan.remove) {
      const { name } = set.metadata;
      await client.delete(ReplicaSet, name, { namespace, preconditions: { uid: set.metadata.uid } });
      ownSets.gone(set);
    }
  };

  const controller = createController(deps, {
    name: 'deployment-controller',
    workers: 5,
    waitFor: [deployments, sets, pods],
    async reconcile(key) {
      for (let round = 0; round < maxRounds; round += 1) {
        const cached = deployments.byKey(key);
        const deployment = cached && ownDeployments.newest(cached);
        if (!deployment) return undefined;
        const owned = await setsOf(deployment);
        const fresh = findNewSet(deployment, owned);
        const oldPodsRunning = owned.some(
          (set) =>
            set !== fresh && pods.byIndex(byController, set.metadata.uid).some((pod) => !isTerminal(pod)),
        );
        const plan = planRollout({ deployment, sets: owned, oldPodsRunning });
        const { create, change, remove, revision } = plan;
        if (create || change.length > 0 || remove.length > 0 || revision !== undefined) {
          await carryOut(deployment, plan);
          continue;
        }
        const { status, again } = deploymentStatus(deployment, owned, clock.now());
        ownDeployments.wrote(await patchStatus(client, Deployment, deployment, status));
        return again === undefined ? undefined : { requeueAfterMs: Math.max(0, again - clock.now()) };
      }
      return { requeueAfterMs: 0 };
    },
  });

  const see = (deployment: Deployment): void => controller.queue.add(keyOf(deployment));
  const seeSet = (set: ReplicaSet): void => {
    const owner = controllerOf(set);
    if (owner) {
      if (isOfType(owner, Deployment)) controller.queue.add(`${set.metadata.namespace}/${owner.name}`);
      return;
    }
    for (const deployment of deployments.list(set.metadata.namespace)) {
      if (selectorFrom(deployment.spec?.selector).matches(set.metadata.labels)) see(deployment);
    }
  };
  deployments.on({ add: see, update: (_, deployment) => see(deployment) });
  sets.on({ add: seeSet, update: (_, set) => seeSet(set), delete: seeSet });
  // Recreate waits until the last old pod has gone.
  pods.on({
    delete(pod) {
      const owner = controllerOf(pod);
      const set =
        owner && isOfType(owner, ReplicaSet) ? sets.get(owner.name, pod.metadata.namespace) : undefined;
      if (set) seeSet(set);
    },
  });
  return controller;
}
