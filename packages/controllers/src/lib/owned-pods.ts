/** The pods of a kind of owner (Job, ReplicaSet) as its controller knows them, and its writes to them. */
import type { Client } from '@coracle/client';
import { controllerOf, isReason, selectorFrom } from '@coracle/machinery';
import type { Draft, KubeObject, OwnerReference, ResourceType } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { LabelSelector } from '@coracle/machinery/api';
import type { EventRecorder, Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { inBatches, slowStart } from './batches.ts';
import { adoption, claim, controllerReference, isOfType, letGo } from './claim.ts';
import { patchMetadata, removeFinalizer } from './finalizers.ts';
import { OwnWrites } from './own-writes.ts';
import { byController, byOrphanNamespace, ensurePodIndexes } from './pod-indexes.ts';

/** Writes under way at a time for one owner. */
const width = 64;

export interface OwnedPodsOptions<O> {
  owner: ResourceType<O>;
  /** Kept on pods until their owner has counted them. */
  finalizer?: string;
}

export class OwnedPods<O extends KubeObject> {
  readonly informer: Informer<Pod>;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #own: OwnWrites<Pod>;
  readonly #type: ResourceType<O>;
  readonly #finalizer: string | undefined;

  constructor(deps: ComponentDeps, options: OwnedPodsOptions<O>) {
    this.#client = deps.client;
    this.#recorder = deps.recorder;
    this.#type = options.owner;
    this.#finalizer = options.finalizer;
    this.informer = deps.informers.informer(Pod);
    ensurePodIndexes(this.informer);
    this.#own = new OwnWrites(this.informer, deps.clock);
  }

  /** The reference to the owner of this kind that controls the pod. */
  ownerOf(pod: Pod): OwnerReference | undefined {
    const owner = controllerOf(pod);
    return owner && isOfType(owner, this.#type) ? owner : undefined;
  }

  /** The pods of the owner, by its selector: adopts and lets go where needed. */
  async podsOf(owner: O, labels: LabelSelector | undefined): Promise<Pod[]> {
    const { uid, namespace = '' } = owner.metadata;
    const orphans = this.#own.list(this.informer.byIndex(byOrphanNamespace, namespace), '');
    const selector = labels && selectorFrom(labels);
    const claims = claim(owner, selector, [...this.controlledBy(uid), ...orphans]);
    if (claims.adopt.length > 0 && (await this.#mayAdopt(owner))) {
      const reference = controllerReference(this.#type, owner);
      await inBatches(claims.adopt, width, async (pod) => {
        const adopted = await patchMetadata(this.#client, Pod, pod, (now) =>
          adoption(reference, now, this.#finalizer),
        );
        if (!adopted) return;
        this.#own.wrote(adopted);
        if (controllerOf(adopted)?.uid === uid) claims.owned.push(adopted);
      });
    }
    await inBatches(claims.release, width, async (pod) => {
      const released = await patchMetadata(this.#client, Pod, pod, (now) => letGo(uid, now, this.#finalizer));
      if (released) this.#own.wrote(released);
    });
    return claims.owned;
  }

  /** Pods with a controller reference to the owner, whatever their labels; no writes. */
  controlledBy(uid: string): Pod[] {
    return this.#own.list(this.informer.byIndex(byController, uid), uid);
  }

  async create(owner: O, pods: readonly Draft<Pod>[]): Promise<void> {
    await slowStart(pods, async (draft) => {
      try {
        const pod = await this.#own.create(owner.metadata.uid, () =>
          this.#client.create(Pod, draft, { namespace: owner.metadata.namespace }),
        );
        this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        if (!namespaceIsTerminating(error)) {
          this.#recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${text(error)}`);
        }
        throw error;
      }
    });
  }

  /** `counted`: pods keep their finalizer until they are counted as failed. */
  async remove(owner: O, pods: readonly { pod: Pod; counted: boolean }[]): Promise<void> {
    await inBatches(pods, width, async ({ pod, counted }) => {
      const { name, namespace, uid } = pod.metadata;
      try {
        if (!counted) await this.releaseFinalizer(pod);
        const left = await this.#client.delete(Pod, name, { namespace, preconditions: { uid } });
        if (left) this.#own.wrote(left);
        else this.#own.gone(pod);
        this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      } catch (error) {
        // Gone, or another pod of its name.
        if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) {
          this.#own.gone(pod);
          return;
        }
        this.#recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${text(error)}`);
        throw error;
      }
    });
  }

  async releaseFinalizers(pods: readonly Pod[]): Promise<void> {
    await inBatches(pods, width, (pod) => this.releaseFinalizer(pod));
  }

  async releaseFinalizer(pod: Pod): Promise<void> {
    const finalizer = this.#finalizer;
    if (finalizer === undefined || !pod.metadata.finalizers?.includes(finalizer)) return;
    const released = await removeFinalizer(this.#client, Pod, pod, finalizer);
    if (released) this.#own.wrote(released);
    else this.#own.gone(pod);
  }

  /** The cache may lag behind: only an owner that is there now, and not being deleted, adopts. */
  async #mayAdopt(owner: O): Promise<boolean> {
    const { name, namespace, uid } = owner.metadata;
    const live = await this.#client.get(this.#type, name, { namespace });
    return live.metadata.uid === uid && live.metadata.deletionTimestamp === undefined;
  }
}

/** The server refuses new objects because their namespace is being deleted: nothing more to do there. */
export function namespaceIsTerminating(error: unknown): boolean {
  return isReason(error, 'Forbidden') && error.message.includes('because it is being terminated');
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
