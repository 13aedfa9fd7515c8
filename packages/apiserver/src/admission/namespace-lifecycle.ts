/** Nothing is made in a namespace that is not there or is going away; three namespaces never go. */
import { ApiError, errors, type StatusCause } from '@coracle/machinery';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { type AdmissionDeps, nameOf, refuse } from './common.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

export function namespaceLifecycle({ lookup }: AdmissionDeps): AdmissionPlugin {
  function check(request: AdmissionRequest): void {
    const isNamespace = request.group === '' && request.resource === 'namespaces';
    if (isNamespace) {
      if (request.operation === 'DELETE' && immortal.has(request.name))
        throw refuse(request, 'this namespace may not be deleted');
      return;
    }
    if (request.namespace === '' || request.operation === 'DELETE') return;
    if (request.resource === 'localsubjectaccessreviews') return;
    const namespace = lookup.get('', 'namespaces', '', request.namespace);
    if (!namespace) throw errors.notFound({ group: '', resource: 'namespaces' }, request.namespace);
    if (request.operation !== 'CREATE') return;
    const phase = (namespace['status'] as { phase?: string } | undefined)?.phase;
    if (phase !== 'Terminating' && namespace.metadata.deletionTimestamp === undefined) return;
    const refused = refuse(
      request,
      `unable to create new content in namespace ${request.namespace} because it is being terminated`,
    );
    const cause = {
      reason: 'NamespaceTerminating',
      message: `namespace ${request.namespace} is being terminated`,
      field: 'metadata.namespace',
    } as unknown as StatusCause;
    throw new ApiError('Forbidden', refused.message, {
      ...refused.status.details,
      name: nameOf(request) || undefined,
      causes: [cause],
    });
  }
  return {
    name: 'NamespaceLifecycle',
    completes: true,
    mutate: check,
    validate(request) {
      if (request.operation === 'DELETE') check(request);
    },
  };
}
