import { ReplicaSet, ReplicationController, Service, StatefulSet } from '@coracle/machinery/api';
import type { KubeObject, LabelSelectorLike, ResourceType } from '@coracle/machinery';
import type { Informer } from '@coracle/operator';
import type { Snapshot } from '../core/index.ts';

/** An informer of the kind, or undefined where the cluster does not have it or does not show it. */
export type OptionalInformer = <T extends KubeObject>(
  type: ResourceType<T>,
) => Promise<Informer<T> | undefined>;

/** Keeps the snapshot told which pods belong together, for cluster-default spread constraints. Returns how to stop. */
export async function followSelectors(
  informer: OptionalInformer,
  { selectors }: Snapshot,
): Promise<(() => void)[]> {
  const [services, replicaSets, statefulSets, replicationControllers] = await Promise.all([
    informer(Service),
    informer(ReplicaSet),
    informer(StatefulSet),
    informer(ReplicationController),
  ]);
  const stops: (() => void)[] = [];
  const setService = ({ metadata, spec }: Service, gone: boolean): void =>
    selectors.setService(metadata.namespace ?? '', metadata.name, gone ? undefined : spec?.selector);
  if (services) {
    stops.push(
      services.on({
        add: (service) => setService(service, false),
        update: (before, service) => {
          if (JSON.stringify(before.spec?.selector) !== JSON.stringify(service.spec?.selector))
            setService(service, false);
        },
        delete: (service) => setService(service, true),
      }),
    );
  }
  const follow = <T extends KubeObject>(
    controllers: Informer<T> | undefined,
    apiVersion: string,
    kind: string,
    selectorOf: (controller: T) => LabelSelectorLike | undefined,
  ): void => {
    if (!controllers) return;
    const set = ({ metadata }: T, selector: LabelSelectorLike | undefined): void =>
      selectors.setController({ apiVersion, kind, metadata }, selector as never);
    stops.push(
      controllers.on({
        add: (controller) => set(controller, selectorOf(controller)),
        // The selector of a ReplicaSet or StatefulSet never changes; its status does all the time.
        update: (before, controller) => {
          const selector = selectorOf(controller);
          if (JSON.stringify(selectorOf(before)) !== JSON.stringify(selector)) set(controller, selector);
        },
        delete: (controller) => set(controller, undefined),
      }),
    );
  };
  follow(replicaSets, 'apps/v1', 'ReplicaSet', ({ spec }) => spec?.selector);
  follow(statefulSets, 'apps/v1', 'StatefulSet', ({ spec }) => spec?.selector);
  follow(replicationControllers, 'v1', 'ReplicationController', ({ spec }) =>
    spec?.selector ? { matchLabels: spec.selector } : undefined,
  );
  return stops;
}
