/** The pods of Jobs as the controller knows them, and its writes to them. */
import type { Client } from '@coracle/client';
import { controllerOf, isReason } from '@coracle/machinery';
import type { Draft } from '@coracle/machinery';
import { Job, Pod } from '@coracle/machinery/api';
import type { EventRecorder, Informer } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { inBatches, slowStart } from '../lib/batches.ts';
import { patchMetadata, removeFinalizer } from '../lib/finalizers.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { adoption, claimPods, letGo } from './claim.ts';
import { trackingFinalizer } from './constants.ts';
import { hasTrackingFinalizer } from './pods.ts';

const ownerIndex = 'job-controller/owner';
const orphanIndex = 'job-controller/orphans';
/** Writes under way at a time for one Job. */
const width = 64;

export class PodStore {
  readonly informer: Informer<Pod>;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #own: OwnWrites<Pod>;

  constructor(deps: ComponentDeps) {
    this.#client = deps.client;
    this.#recorder = deps.recorder;
    this.informer = deps.informers.informer(Pod);
    this.informer.addIndex(ownerIndex, (pod) => {
      const owner = jobOf(pod);
      return owner ? [owner.uid] : [];
    });
    this.informer.addIndex(orphanIndex, (pod) =>
      controllerOf(pod) === undefined ? [pod.metadata.namespace ?? ''] : [],
    );
    this.#own = new OwnWrites(this.informer, deps.clock);
  }

  /** The pods of the Job, by its selector: adopts and lets go where needed. */
  async podsOf(job: Job): Promise<Pod[]> {
    const { uid, namespace = '' } = job.metadata;
    const known = this.#own.list(this.informer.byIndex(ownerIndex, uid), uid);
    const orphans = this.#own.list(this.informer.byIndex(orphanIndex, namespace), '');
    const claims = claimPods(job, [...known, ...orphans]);
    if (claims.adopt.length > 0 && (await this.#mayAdopt(job))) {
      await inBatches(claims.adopt, width, async (pod) => {
        const adopted = await patchMetadata(this.#client, Pod, pod, (now) =>
          controllerOf(now) || now.metadata.deletionTimestamp !== undefined ? undefined : adoption(job, now),
        );
        if (!adopted) return;
        this.#own.wrote(adopted);
        if (controllerOf(adopted)?.uid === uid) claims.owned.push(adopted);
      });
    }
    await inBatches(claims.release, width, async (pod) => {
      const released = await patchMetadata(this.#client, Pod, pod, (now) => letGo(job, now));
      if (released) this.#own.wrote(released);
    });
    return claims.owned;
  }

  /** Pods with a controller reference to the Job, whatever their labels; no writes. */
  controlledBy(uid: string): Pod[] {
    return this.#own.list(this.informer.byIndex(ownerIndex, uid), uid);
  }

  async create(job: Job, pods: readonly Draft<Pod>[]): Promise<void> {
    await slowStart(pods, async (draft) => {
      try {
        const pod = await this.#own.create(job.metadata.uid, () =>
          this.#client.create(Pod, draft, { namespace: job.metadata.namespace }),
        );
        this.#recorder.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        if (!namespaceIsTerminating(error)) {
          this.#recorder.event(job, 'Warning', 'FailedCreate', `Error creating: ${text(error)}`);
        }
        throw error;
      }
    });
  }

  /** `counted`: pods keep their finalizer until they are counted as failed. */
  async remove(job: Job, pods: readonly { pod: Pod; counted: boolean }[]): Promise<void> {
    await inBatches(pods, width, async ({ pod, counted }) => {
      const { name, namespace, uid } = pod.metadata;
      try {
        if (!counted) await this.releaseFinalizer(pod);
        const left = await this.#client.delete(Pod, name, { namespace, preconditions: { uid } });
        if (left) this.#own.wrote(left);
        else this.#own.gone(pod);
        this.#recorder.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      } catch (error) {
        // Gone, or another pod of its name.
        if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) {
          this.#own.gone(pod);
          return;
        }
        this.#recorder.event(job, 'Warning', 'FailedDelete', `Error deleting: ${text(error)}`);
        throw error;
      }
    });
  }

  async releaseFinalizers(pods: readonly Pod[]): Promise<void> {
    await inBatches(pods, width, (pod) => this.releaseFinalizer(pod));
  }

  async releaseFinalizer(pod: Pod): Promise<void> {
    if (!hasTrackingFinalizer(pod)) return;
    const released = await removeFinalizer(this.#client, Pod, pod, trackingFinalizer);
    if (released) this.#own.wrote(released);
    else this.#own.gone(pod);
  }

  /** The cache may lag behind: only a Job that is there now, and not being deleted, adopts. */
  async #mayAdopt(job: Job): Promise<boolean> {
    const { name, namespace, uid } = job.metadata;
    const live = await this.#client.get(Job, name, { namespace });
    return live.metadata.uid === uid && live.metadata.deletionTimestamp === undefined;
  }
}

/** The reference to the Job that controls the pod. */
export function jobOf(pod: Pod) {
  const owner = controllerOf(pod);
  return owner?.kind === Job.kind && owner.apiVersion.startsWith(`${Job.group}/`) ? owner : undefined;
}

/** The server refuses new objects because their namespace is being deleted: nothing more to do there. */
export function namespaceIsTerminating(error: unknown): boolean {
  return isReason(error, 'Forbidden') && error.message.includes('because it is being terminated');
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
