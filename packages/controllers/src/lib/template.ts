import type { Draft, OwnerReference } from '@coracle/machinery';
import type { Pod, core_v1 } from '@coracle/machinery/api';

/** The pod that an owner's template makes, with a generated name. */
export function podOfTemplate(
  owner: { metadata: { name: string; namespace?: string | undefined } },
  reference: OwnerReference,
  template: core_v1.PodTemplateSpec | undefined,
): Draft<Pod> {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [reference],
    },
    ...(template?.spec ? { spec: structuredClone(template.spec) } : {}),
  };
}
