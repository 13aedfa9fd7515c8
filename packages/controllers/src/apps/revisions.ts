/** ControllerRevisions: the templates that a StatefulSet has had, numbered. */
import type { Client } from '@coracle/client';
import { deepEqual, isReason } from '@coracle/machinery';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { ControllerRevision } from '@coracle/machinery/api';
import type { core_v1 } from '@coracle/machinery/api';
import { controllerReference } from '../lib/claim.ts';
import { templateHash } from './deployment/replica-sets.ts';

export const revisionLabel = 'controller-revision-hash';
type Template = core_v1.PodTemplateSpec;

function dataOf(template: Template): Record<string, unknown> {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}
/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): Template {
  const { spec } = revision.data as unknown as { spec: { template: Template & { $patch?: string } } };
  const { $patch: _, ...template } = spec.template;
  return template;
}

/**
 * The revision of `template`, made or numbered anew where needed. `known`: all revisions of the owner. Names differ by a
 * hash of the template; on a clash another is tried.
 */
export async function revisionFor<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  owner: T,
  template: Template,
  known: readonly ControllerRevision[],
): Promise<ControllerRevision> {
  const { namespace, name } = owner.metadata;
  const latest = Math.max(0, ...known.map(({ revision }) => revision));
  const data = dataOf(template);
  const found = known.find((revision) => deepEqual(revision.data, data));
  if (found) {
    if (found.revision === latest) return found;
    return client.update(ControllerRevision, { ...found, revision: latest + 1 });
  }
  for (let collisions = 0; ; collisions += 1) {
    const hash = templateHash(template, collisions);
    try {
      return await client.create(
        ControllerRevision,
        {
          metadata: {
            name: `${name}-${hash}`,
            namespace,
            labels: { ...template.metadata?.labels, 'controller.kubernetes.io/hash': hash },
            ownerReferences: [controllerReference(type, owner)],
          },
          data,
          revision: latest + 1,
        },
        { namespace },
      );
    } catch (error) {
      if (!isReason(error, 'AlreadyExists') || collisions >= 10) throw error;
      const there = await client.get(ControllerRevision, `${name}-${hash}`, { namespace });
      if (deepEqual(there.data, data)) return there;
    }
  }
}
