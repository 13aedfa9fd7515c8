/**
 * Who owns whom, over all kinds, as the informers tell it. A node is an object of the cluster, or stands for an owner that
 * is named by a dependent and has not been seen ("virtual"): it may not exist, may not have been told yet, or may be of a
 * kind nobody watches.
 *
 * Invariants: node B is in the dependents of node A exactly when B's object has an owner reference with A's uid and A is in
 * the graph; a virtual node has dependents.
 */
import type { KubeObject, OwnerReference, ResourceType } from '@coracle/machinery';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export interface OwnerNode {
  readonly uid: string;
  /** Undefined: virtual. */
  object: KubeObject | undefined;
  type: ResourceType | undefined;
  /** How the owner was named; for looking up a virtual node. A cluster-scoped owner ignores the namespace. */
  reference: { apiVersion: string; kind: string; name: string; namespace: string | undefined };
  dependents: Set<OwnerNode> | undefined;
}

/** What the graph asks to be looked at. */
export interface GraphListener {
  /** May have become garbage, or may have to wait no more. */
  check(uid: string): void;
  /** Is being deleted, and its dependents are to be kept. */
  orphan(uid: string): void;
}

export class OwnerGraph {
  readonly #nodes = new Map<string, OwnerNode>();
  readonly #listener: GraphListener;

  constructor(listener: GraphListener) {
    this.#listener = listener;
  }

  get size(): number {
    return this.#nodes.size;
  }
  get(uid: string): OwnerNode | undefined {
    return this.#nodes.get(uid);
  }

  /** The object exists, in this state. */
  observe(type: ResourceType, object: KubeObject): void {
    const { uid, name, namespace } = object.metadata;
    let node = this.#nodes.get(uid);
    const before = node?.object;
    if (!node) {
      const reference = { apiVersion: object.apiVersion, kind: object.kind, name, namespace };
      node = { uid, object, type, reference, dependents: undefined };
      this.#nodes.set(uid, node);
    } else {
      if (!before) {
        // Dependents took it for theirs by name: some may have no right to.
        for (const dependent of node.dependents ?? []) {
          if (!sameScope(object, dependent.object)) this.#listener.check(dependent.uid);
        }
        node.reference = { apiVersion: object.apiVersion, kind: object.kind, name, namespace };
      }
      node.object = object;
      node.type = type;
    }
    this.#link(node, before?.metadata.ownerReferences, object.metadata.ownerReferences);
    if (!isDeleting(object)) return;
    const news = before && isDeleting(before) ? before : undefined;
    if (hasFinalizer(object, orphanFinalizer) && !(news && hasFinalizer(news, orphanFinalizer))) {
      this.#listener.orphan(uid);
    }
    if (isWaiting(object) && !(news && isWaiting(news))) {
      for (const dependent of node.dependents ?? []) this.#listener.check(dependent.uid);
      this.#listener.check(uid);
    }
  }

  /** The object of this uid is gone. */
  forget(uid: string): void {
    const node = this.#nodes.get(uid);
    if (!node) return;
    this.#nodes.delete(uid);
    this.#link(node, node.object?.metadata.ownerReferences, undefined);
    for (const dependent of node.dependents ?? []) this.#listener.check(dependent.uid);
  }

  #link(
    node: OwnerNode,
    before: readonly OwnerReference[] | undefined,
    after: readonly OwnerReference[] | undefined,
  ): void {
    if (before === undefined && after === undefined) return;
    for (const reference of before ?? []) {
      const still = after?.find(({ uid }) => uid === reference.uid);
      if (still && still.blockOwnerDeletion === reference.blockOwnerDeletion) continue;
      const owner = this.#nodes.get(reference.uid);
      if (!owner) continue;
      // An owner that waits for its dependents may have one less to wait for.
      if (owner.object && isWaiting(owner.object)) this.#listener.check(owner.uid);
      if (still) continue;
      owner.dependents?.delete(node);
      if (!owner.object && !owner.dependents?.size) this.#nodes.delete(owner.uid);
    }
    for (const reference of after ?? []) {
      if (before?.some(({ uid }) => uid === reference.uid)) continue;
      let owner = this.#nodes.get(reference.uid);
      if (!owner) {
        const { apiVersion, kind, name, uid } = reference;
        const namespace = node.object?.metadata.namespace;
        owner = {
          uid,
          object: undefined,
          type: undefined,
          reference: { apiVersion, kind, name, namespace },
          dependents: undefined,
        };
        this.#nodes.set(uid, owner);
        this.#listener.check(uid);
      } else if (
        (owner.object && isWaiting(owner.object)) ||
        (owner.object && !sameScope(owner.object, node.object))
      ) {
        this.#listener.check(node.uid);
      }
      owner.dependents ??= new Set();
      owner.dependents.add(node);
    }
  }
}

export function isDeleting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}
export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) === true;
}
/** Being deleted, and waits until the dependents that block it are gone. */
export function isWaiting(object: KubeObject): boolean {
  return isDeleting(object) && hasFinalizer(object, foregroundFinalizer);
}
/** May `owner` own `dependent` at all: one of its namespace, or one of the whole cluster. */
function sameScope(owner: KubeObject, dependent: KubeObject | undefined): boolean {
  const { namespace } = owner.metadata;
  return namespace === undefined || namespace === dependent?.metadata.namespace;
}
