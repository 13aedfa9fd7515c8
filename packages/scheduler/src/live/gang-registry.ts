/** Which pods belong to which pod group, and how many of them have a node. */
import type { Pod, PodGroup } from '@coracle/machinery/api';
import type { GangTopology } from '../core/index.ts';

export interface GangState {
  /** `namespace/name`. */
  readonly key: string;
  /** Undefined until it is created: its pods wait for it. */
  group: PodGroup | undefined;
  /** Members that have a node or are on their way there: uid -> node. */
  readonly scheduled: Map<string, string>;
  /** Members that have succeeded: they had their place, and a replacement of another member need not wait for them. */
  readonly succeeded: Set<string>;
}

export class GangRegistry {
  readonly #gangs = new Map<string, GangState>();

  get(key: string): GangState | undefined {
    return this.#gangs.get(key);
  }

  /** The state of a group, made if there is none. */
  open(key: string): GangState {
    let gang = this.#gangs.get(key);
    if (!gang)
      this.#gangs.set(key, (gang = { key, group: undefined, scheduled: new Map(), succeeded: new Set() }));
    return gang;
  }

  /** Forgets a group that is deleted and has no placed pods. */
  close(key: string): void {
    const gang = this.#gangs.get(key);
    if (gang && !gang.group && placedCount(gang) === 0) this.#gangs.delete(key);
  }
}

/** Members that have, or had to their end, a node. */
export function placedCount(gang: GangState): number {
  return gang.scheduled.size + gang.succeeded.size;
}

/** `namespace/name` of the pod's group; undefined if it has none. */
export function gangKeyOf(pod: Pod): string | undefined {
  const name = pod.spec?.schedulingGroup?.podGroupName;
  return name === undefined ? undefined : `${pod.metadata.namespace ?? ''}/${name}`;
}

/** Members that must be placed together; 1 for groups with the basic policy. */
export function minCountOf(group: PodGroup): number {
  return group.spec.schedulingPolicy.gang?.minCount ?? 1;
}

/** Where the members must be near each other; undefined: anywhere. */
export function topologyOf(group: PodGroup): GangTopology | undefined {
  const required = (group.spec.schedulingConstraints?.topology ?? []).map(({ key }) => key);
  return required.length > 0 ? { required } : undefined;
}
