/** The claims of one decided pod, from the decision to the binding. */
import { Pod, ResourceClaim, type core_v1, type resource_v1 } from '@coracle/machinery/api';
import type { PodInfo } from '../pod-info.ts';
import type { Reservation, ReservationIo } from '../reservation.ts';
import { consumerOf, deleteClaim, unreserveClaim, writeClaim } from './claim-writer.ts';
import type { DraState } from './dra-state.ts';
import { extendedResourceAnnotation } from './extended.ts';
import type { UsedClaim } from './pod-claims.ts';
import { hasBindingConditions, whenReady } from './readiness.ts';
import type { AllocationResult } from './types.ts';

/** The claim for the pod's extended resources, which the scheduler makes when it writes. */
export interface ExtendedReservation {
  /** Under which the ledger holds the allocation until the claim exists: no claim can have this key. */
  readonly key: string;
  readonly spec: resource_v1.DeviceClaim;
  readonly mappings: readonly core_v1.ContainerExtendedResourceRequest[];
  readonly allocation: AllocationResult;
}

export class ClaimsReservation implements Reservation {
  readonly #state: DraState;
  readonly #pod: PodInfo;
  readonly #claims: readonly UsedClaim[];
  readonly #extended: ExtendedReservation | undefined;
  /** How long devices may take to be ready. */
  readonly #timeoutMs: number;
  /** Claims reserved in the API by us, and not for another reason. */
  readonly #written: UsedClaim[] = [];
  /** Key of the claim made for extended resources. */
  #made: string | undefined;

  /** The ledger holds the claims for the pod already. */
  constructor(
    state: DraState,
    pod: PodInfo,
    claims: readonly UsedClaim[],
    extended: ExtendedReservation | undefined,
    timeoutMs: number,
  ) {
    this.#state = state;
    this.#pod = pod;
    this.#claims = claims;
    this.#extended = extended;
    this.#timeoutMs = timeoutMs;
  }

  release(): void {
    const { ledger } = this.#state;
    for (const { key } of this.#claims) ledger.letGo(key, this.#pod.uid);
    if (this.#extended) ledger.letGo(this.#extended.key, this.#pod.uid);
    if (this.#made !== undefined) ledger.letGo(this.#made, this.#pod.uid);
  }

  settle(): void {
    this.release();
  }

  async write(io: ReservationIo): Promise<void> {
    try {
      await this.#write(io);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`running PreBind plugin "DynamicResources": ${text}`, { cause: error });
    }
  }

  async #write(io: ReservationIo): Promise<void> {
    const { ledger } = this.#state;
    const { metadata } = this.#pod.pod;
    const claims: ResourceClaim[] = [];
    const keys: string[] = [];
    for (const used of this.#claims) {
      this.#written.push(used);
      claims.push(await writeClaim(ledger, used.key, consumerOf(metadata, used.group), io));
      keys.push(used.key);
    }
    if (this.#extended) {
      const key = await this.#make(this.#extended, io);
      claims.push(await writeClaim(ledger, key, consumerOf(metadata, undefined), io));
      keys.push(key);
      await this.#tellPod(this.#extended, key, io);
    }
    if (!claims.some(hasBindingConditions)) return;
    const message = `waiting for binding conditions for device on node ${io.nodeName}`;
    io.recorder.event(this.#pod.pod, 'Normal', 'BindingConditionsPending', message);
    await whenReady(ledger, keys, this.#timeoutMs, io);
  }

  /** Makes the claim for extended resources. Answers its key. */
  async #make({ spec, allocation }: ExtendedReservation, io: ReservationIo): Promise<string> {
    const { ledger } = this.#state;
    const { name, namespace, uid } = this.#pod.pod.metadata;
    const draft = {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: {
        generateName: `${name}-extended-resources-`,
        namespace,
        annotations: { [extendedResourceAnnotation]: 'true' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
      },
      spec: { devices: spec },
    };
    let made: ResourceClaim;
    try {
      made = await io.call(() =>
        io.client.create(ResourceClaim, draft as unknown as ResourceClaim, { namespace, signal: io.signal }),
      );
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`create claim for extended resources ${namespace}/${name}: ${text}`, { cause: error });
    }
    const key = `${namespace}/${made.metadata.name}`;
    this.#made = key;
    ledger.assume(made);
    ledger.hold(key, this.#pod.uid, allocation);
    return key;
  }

  /** Says in the pod's status which request stands for which resource. */
  async #tellPod({ mappings }: ExtendedReservation, key: string, io: ReservationIo): Promise<void> {
    const { name, namespace } = this.#pod.pod.metadata;
    const extendedResourceClaimStatus = {
      requestMappings: mappings,
      resourceClaimName: key.slice(key.indexOf('/') + 1),
    };
    try {
      await io.call(() =>
        io.client.patch(
          Pod,
          name,
          'strategic',
          { status: { extendedResourceClaimStatus } },
          { namespace, subresource: 'status', signal: io.signal },
        ),
      );
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`update pod ${namespace}/${name} ExtendedResourceClaimStatus: ${text}`, {
        cause: error,
      });
    }
  }

  async undo(io: ReservationIo): Promise<void> {
    const { ledger } = this.#state;
    const { uid } = this.#pod;
    for (const { key, group } of this.#written) {
      // A group keeps its claim for its other pods.
      if (!group) await unreserveClaim(ledger, key, uid, io);
    }
    if (this.#made !== undefined) await deleteClaim(ledger, this.#made, io);
  }
}
