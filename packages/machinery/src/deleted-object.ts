/** What `DELETE` of one object answers with once the object is gone: the object or a Status, by kind. */
import type { Kind } from './kind.ts';

/** Built-in resources, by group, whose last state is the answer (from the published OpenAPI document). */
const answered: Readonly<Record<string, ReadonlySet<string> | 'all'>> = {
  '': new Set([
    'persistentvolumeclaims',
    'persistentvolumes',
    'pods',
    'podtemplates',
    'resourcequotas',
    'serviceaccounts',
    'services',
  ]),
  'resource.k8s.io': 'all',
  'storage.k8s.io': new Set([
    'csidrivers',
    'csinodes',
    'storageclasses',
    'volumeattachments',
    'volumeattributesclasses',
  ]),
};

/** Does a delete of this kind answer with the deleted object? All others answer with a Status. */
export function answersDeletedObject(kind: Pick<Kind, 'group' | 'resource' | 'builtin'>): boolean {
  if (!kind.builtin) return false;
  const resources = answered[kind.group];
  return resources === 'all' || (resources?.has(kind.resource) ?? false);
}
