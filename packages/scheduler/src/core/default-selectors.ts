/**
 * Which pods are of a kind with a pod, told by what selects them: the Services that select it and the ReplicaSet,
 * StatefulSet or ReplicationController that controls it. Cluster-default spread constraints spread over these.
 */
import type { LabelSelector, OwnerReference, Pod } from '@coracle/machinery/api';

type Labels = Readonly<Record<string, string>>;
/** Kinds of controllers that have a say, as `apiVersion/kind`. */
const controllerKinds = new Set(['v1/ReplicationController', 'apps/v1/ReplicaSet', 'apps/v1/StatefulSet']);
/** Answers kept; with more, all are found anew: a cache, bounded. */
const maxKnown = 4096;

export class DefaultSelectors {
  /** Namespace -> name -> selector. */
  readonly #services = new Map<string, Map<string, Labels>>();
  /** `apiVersion/kind namespace/name` -> selector. */
  readonly #controllers = new Map<string, LabelSelector>();
  /** Answers since the last change. */
  readonly #known = new Map<string, LabelSelector | undefined>();

  /** Undefined: it is gone, or selects no pods. */
  setService(namespace: string, name: string, selector: Labels | undefined): void {
    let services = this.#services.get(namespace);
    if (!services) this.#services.set(namespace, (services = new Map()));
    if (selector) services.set(name, selector);
    else services.delete(name);
    if (services.size === 0) this.#services.delete(namespace);
    this.#known.clear();
  }

  /** `kind`: `ReplicaSet`, ... Undefined: it is gone. */
  setController({ apiVersion, kind, metadata }: ControllerLike, selector: LabelSelector | undefined): void {
    const key = keyOf(`${apiVersion}/${kind}`, metadata.namespace ?? '', metadata.name);
    if (selector) this.#controllers.set(key, selector);
    else this.#controllers.delete(key);
    this.#known.clear();
  }

  /** Of the pods that are of a kind with this one; undefined: nothing says which those are. */
  of(pod: Pod): LabelSelector | undefined {
    const { namespace = '', labels = {}, ownerReferences } = pod.metadata;
    const owner = ownerReferences?.find(({ controller }) => controller);
    const services = this.#services.get(namespace);
    const controlled = owner && controllerKinds.has(`${owner.apiVersion}/${owner.kind}`) ? owner : undefined;
    if (!services && !controlled) return undefined;
    const key = JSON.stringify([namespace, controlled?.kind, controlled?.name, labels]);
    if (this.#known.has(key)) return this.#known.get(key);
    const selector = this.#find(namespace, labels, controlled, services);
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(key, selector);
    return selector;
  }

  #find(
    namespace: string,
    labels: Labels,
    owner: OwnerReference | undefined,
    services: ReadonlyMap<string, Labels> | undefined,
  ): LabelSelector | undefined {
    const matchLabels: Record<string, string> = {};
    for (const selector of services?.values() ?? []) {
      if (Object.entries(selector).every(([key, value]) => labels[key] === value)) {
        Object.assign(matchLabels, selector);
      }
    }
    const own = owner
      ? this.#controllers.get(keyOf(`${owner.apiVersion}/${owner.kind}`, namespace, owner.name))
      : undefined;
    const fromLabels = Object.entries(own?.matchLabels ?? {}).map(([key, value]) => ({
      key,
      operator: 'In',
      values: [value],
    }));
    const matchExpressions = [...fromLabels, ...(own?.matchExpressions ?? [])];
    if (Object.keys(matchLabels).length + matchExpressions.length === 0) return undefined;
    return { matchLabels, matchExpressions };
  }
}

interface ControllerLike {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string | undefined; readonly name: string };
}

const keyOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;
