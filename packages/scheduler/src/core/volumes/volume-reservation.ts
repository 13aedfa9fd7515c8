/**
 * Volumes taken for a pod's claims. Written as kube-scheduler writes it: the volume's claimRef, or the annotation on the
 * claim that says where its volume is to be made. The volume controller and provisioners do the rest; the pod is bound when
 * all its claims are.
 */
import { PersistentVolume, PersistentVolumeClaim } from '@coracle/machinery/api';
import type { Reservation, ReservationIo } from '../reservation.ts';
import type { Snapshot } from '../snapshot.ts';
import { affinityOf, holds, type Bindings } from './bindings.ts';
import { boundByControllerAnnotation, selectedNodeAnnotation } from '@coracle/machinery';

/** The claims are looked at with each change, and this often. */
const lookEveryMs = 1000;

export class VolumeReservation implements Reservation {
  readonly #bindings: Bindings;
  readonly #snapshot: Snapshot;
  readonly #nodeName: string;
  readonly #timeoutMs: number;
  readonly #assumptions: (() => void)[] = [];

  constructor(bindings: Bindings, snapshot: Snapshot, nodeName: string, timeoutMs: number) {
    this.#bindings = bindings;
    this.#snapshot = snapshot;
    this.#nodeName = nodeName;
    this.#timeoutMs = timeoutMs;
    const { volumes: state } = snapshot;
    for (const { volume, claim } of bindings.volumes) {
      this.#assumptions.push(state.assumeVolume(volume, claim));
    }
    for (const claim of bindings.provisions) this.#assumptions.push(state.assumeNode(claim, nodeName));
  }

  release(): void {
    for (const drop of this.#assumptions) drop();
    this.#assumptions.length = 0;
  }

  settle(): void {
    this.release();
  }

  async write(io: ReservationIo): Promise<void> {
    const { volumes, provisions } = this.#bindings;
    const deadline = io.clock.now() + this.#timeoutMs;
    /** Revisions of what was written, by what. */
    const written = new Map<object, string>();
    for (const binding of volumes) {
      const { volume, claim } = binding;
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      const before = volume.spec?.claimRef;
      if (before?.uid === uid) continue;
      const annotations = before ? {} : { annotations: { [boundByControllerAnnotation]: 'yes' } };
      const patch = {
        metadata: { resourceVersion: volume.metadata.resourceVersion, ...annotations },
        spec: {
          claimRef: {
            kind: 'PersistentVolumeClaim',
            apiVersion: 'v1',
            namespace,
            name,
            uid,
            resourceVersion,
          },
        },
      };
      const result = await io.call(() =>
        io.client.patch(PersistentVolume, volume.metadata.name, 'merge', patch, { signal: io.signal }),
      );
      written.set(binding, result.metadata.resourceVersion);
    }
    for (const claim of provisions) {
      const { namespace, name, resourceVersion, annotations } = claim.metadata;
      if (annotations?.[selectedNodeAnnotation] === this.#nodeName) continue;
      const patch = {
        metadata: { resourceVersion, annotations: { [selectedNodeAnnotation]: this.#nodeName } },
      };
      const result = await io.call(() =>
        io.client.patch(PersistentVolumeClaim, name, 'merge', patch, { namespace, signal: io.signal }),
      );
      written.set(claim, result.metadata.resourceVersion);
    }
    await this.#bound(io, deadline, written);
  }

  /** Resolves when all claims are bound. Rejects where that cannot come any more, or not in time. */
  async #bound(io: ReservationIo, deadline: number, written: ReadonlyMap<object, string>): Promise<void> {
    const { volumes: state } = this.#snapshot;
    const keys = [...this.#bindings.volumes.map(({ claim }) => claim), ...this.#bindings.provisions].map(
      ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`,
    );
    while (!this.#look(written)) {
      io.signal.throwIfAborted();
      const left = deadline - io.clock.now();
      if (left <= 0) throw new Error('binding volumes: context deadline exceeded');
      await new Promise<void>((resolve) => {
        const ends = keys.map((key) => state.watch(key, done));
        ends.push(io.clock.after(Math.min(lookEveryMs, left), done));
        io.signal.addEventListener('abort', done);
        ends.push(() => io.signal.removeEventListener('abort', done));
        function done(): void {
          for (const end of ends.splice(0)) end();
          resolve();
        }
      });
    }
  }

  #look(written: ReadonlyMap<object, string>): boolean {
    const { volumes: state } = this.#snapshot;
    const older = (seen: string, wrote: string | undefined): boolean =>
      wrote !== undefined && Number(seen) < Number(wrote);
    let all = true;
    for (const binding of this.#bindings.volumes) {
      const { name } = binding.volume.metadata;
      const volume = state.volume(name)?.volume;
      if (!volume) throw new Error(`binding volumes: persistentvolume "${name}" not found`);
      if (older(volume.metadata.resourceVersion, written.get(binding))) all = false;
      else {
        this.#checkReach(volume);
        if (!volume.spec?.claimRef?.uid)
          throw new Error(`binding volumes: ClaimRef got reset for pv "${name}"`);
        if (!state.isBound(keyOf(binding.claim))) all = false;
      }
    }
    for (const claim of this.#bindings.provisions) {
      const current = state.claim(keyOf(claim));
      const { name } = claim.metadata;
      if (!current) throw new Error(`binding volumes: persistentvolumeclaim "${name}" not found`);
      if (older(current.metadata.resourceVersion, written.get(claim))) {
        all = false;
        continue;
      }
      if (current.metadata.annotations?.[selectedNodeAnnotation] !== this.#nodeName) {
        throw new Error(`binding volumes: provisioning failed for PVC "${name}"`);
      }
      const volume = state.volume(current.spec?.volumeName ?? '')?.volume;
      if (volume) this.#checkReach(volume);
      if (!volume || !state.isBound(keyOf(claim))) all = false;
    }
    return all;
  }

  #checkReach(volume: PersistentVolume): void {
    const test = affinityOf(volume, this.#snapshot);
    const row = this.#snapshot.rowOf(this.#nodeName);
    if (!test || (row !== undefined && holds(test, row))) return;
    const { name } = volume.metadata;
    throw new Error(`binding volumes: pv "${name}" node affinity doesn't match node "${this.#nodeName}"`);
  }
}

function keyOf({ metadata }: PersistentVolumeClaim): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
