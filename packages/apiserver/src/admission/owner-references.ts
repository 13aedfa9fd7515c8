/** Blocking an owner's deletion needs the right to change the owner's finalizers. */
import type { OwnerReference } from '@coracle/machinery';
import type { AdmissionPlugin } from '../contracts.ts';
import { type AdmissionDeps, refuse } from './common.ts';

/** Kinds to resources by the usual plural: owners are built-in kinds or well-named CRDs. */
function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('s')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

export function ownerReferencesPermission({ authorizer }: AdmissionDeps): AdmissionPlugin {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    validate(request) {
      if (request.operation === 'DELETE' || request.subresource !== '' || !request.object) return;
      const before = new Set(
        (request.oldObject?.metadata.ownerReferences ?? [])
          .filter((owner) => owner.blockOwnerDeletion === true)
          .map((owner) => owner.uid),
      );
      const blocking: OwnerReference[] = (request.object.metadata.ownerReferences ?? []).filter(
        (owner) => owner.blockOwnerDeletion === true && !before.has(owner.uid),
      );
      for (const owner of blocking) {
        const [group, version] = owner.apiVersion.includes('/')
          ? owner.apiVersion.split('/')
          : ['', owner.apiVersion];
        const verdict = authorizer.authorize({
          user: request.user,
          verb: 'update',
          isResource: true,
          path: '',
          group: group ?? '',
          version: version ?? '',
          resource: pluralOf(owner.kind),
          subresource: 'finalizers',
          namespace: request.namespace,
          name: owner.name,
        });
        if (!verdict.allowed)
          throw refuse(
            request,
            `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${verdict.reason ?? ''}`,
          );
      }
    },
  };
}
