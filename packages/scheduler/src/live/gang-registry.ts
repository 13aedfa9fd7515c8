/** Which pods belong to which pod group, and how far they have come. */
import type { KubeObject } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import {
  groupKinds,
  type GroupFacts,
  type GroupKind,
  type GroupSpec,
  type GroupVerdict,
} from './group-kinds/index.ts';

export interface GangState {
  /** `namespace/name`; with `@API group` after it for kinds other than Kubernetes' own. */
  readonly key: string;
  readonly kind: GroupKind;
  /** Undefined until it is created: its pods wait for it. */
  group: KubeObject | undefined;
  /** Set with `group`. */
  spec: GroupSpec | undefined;
  /** The priority of all members; undefined: each has its own. */
  priority: number | undefined;
  /** The scheduler's last word on it. */
  verdict: GroupVerdict | undefined;
  /** Members that have a node or are on their way there: uid -> node. */
  readonly scheduled: Map<string, string>;
  /** Members that have succeeded: they had their place, and a replacement of another member need not wait for them. */
  readonly succeeded: Set<string>;
  /** It has, or had, a member that is ours to place: its status is ours to write. */
  ours: boolean;
  /** Phase and owners of all members that exist, by uid; for kinds whose status counts them. */
  readonly members: Map<string, { readonly phase: string; readonly owners: readonly string[] }>;
}

export class GangRegistry {
  readonly #gangs = new Map<string, GangState>();
  readonly #kinds: readonly GroupKind[];
  /** Kinds the cluster does not have: pods that name such a group are pods like any other. */
  readonly #absent = new Set<GroupKind>();

  constructor(kinds: readonly GroupKind[] = groupKinds) {
    this.#kinds = kinds;
  }

  get kinds(): readonly GroupKind[] {
    return this.#kinds;
  }
  setAbsent(kind: GroupKind, absent: boolean): void {
    if (absent) this.#absent.add(kind);
    else this.#absent.delete(kind);
  }
  isAbsent(kind: GroupKind): boolean {
    return this.#absent.has(kind);
  }

  /** The kind of group the pod names, whether or not the cluster has it. */
  kindOf(pod: Pod): GroupKind | undefined {
    return this.#kinds.find((kind) => kind.groupOf(pod) !== undefined);
  }

  /** Key of the pod's gang; undefined if it is in none. */
  keyOf(pod: Pod): string | undefined {
    for (const kind of this.#kinds) {
      const name = kind.groupOf(pod);
      if (name !== undefined && !this.#absent.has(kind)) return keyFor(kind, pod.metadata.namespace, name);
    }
    return undefined;
  }

  get(key: string): GangState | undefined {
    return this.#gangs.get(key);
  }
  /** Groups that are known of. */
  get size(): number {
    return this.#gangs.size;
  }
  all(): Iterable<GangState> {
    return this.#gangs.values();
  }

  /** The state of the pod's gang, made if there is none; undefined if it is in none. */
  ofPod(pod: Pod): GangState | undefined {
    for (const kind of this.#kinds) {
      const name = kind.groupOf(pod);
      if (name !== undefined && !this.#absent.has(kind)) return this.open(kind, pod.metadata.namespace, name);
    }
    return undefined;
  }

  /** The state of a group, made if there is none. */
  open(kind: GroupKind, namespace: string | undefined, name: string): GangState {
    const key = keyFor(kind, namespace, name);
    let gang = this.#gangs.get(key);
    if (!gang) {
      gang = {
        key,
        kind,
        group: undefined,
        spec: undefined,
        priority: undefined,
        verdict: undefined,
        ours: false,
        scheduled: new Map(),
        succeeded: new Set(),
        members: new Map(),
      };
      this.#gangs.set(key, gang);
    }
    return gang;
  }

  /** Forgets a group that is deleted and has no placed pods. */
  close(key: string): void {
    const gang = this.#gangs.get(key);
    if (gang && !gang.group && placedCount(gang) === 0) this.#gangs.delete(key);
  }
}

function keyFor(kind: GroupKind, namespace: string | undefined, name: string): string {
  const key = `${namespace ?? ''}/${name}`;
  return kind.type.group === 'scheduling.k8s.io' ? key : `${key}@${kind.type.group}`;
}

/** Members that have, or had to their end, a node. */
export function placedCount(gang: GangState): number {
  return gang.scheduled.size + gang.succeeded.size;
}

/** Members that must be placed together; infinitely many while there is no group. */
export function minCountOf({ spec }: GangState): number {
  return spec?.minCount ?? Number.POSITIVE_INFINITY;
}

/** What the group's status is made of. */
export function factsOf(gang: GangState, spec: GroupSpec, now: string): GroupFacts {
  const counts = { Running: 0, Succeeded: 0, Failed: 0 } as Record<string, number>;
  const owners = new Set<string>();
  for (const member of gang.members.values()) {
    counts[member.phase] = (counts[member.phase] ?? 0) + 1;
    for (const owner of member.owners) owners.add(owner);
  }
  return {
    spec,
    verdict: gang.verdict,
    members: gang.members.size,
    placed: gang.scheduled.size,
    running: counts['Running']!,
    succeeded: counts['Succeeded']!,
    failed: counts['Failed']!,
    owners: [...owners].toSorted(),
    now,
  };
}
