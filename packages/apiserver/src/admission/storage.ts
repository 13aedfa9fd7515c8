/** Default classes for claims and ingresses, growth of claims, and protection of volumes in use. */
import { type Unstructured } from '@coracle/machinery';
import type { networking_v1, PersistentVolumeClaimSpec, storage_v1 } from '@coracle/machinery/api';
import { parseQuantity } from '@coracle/machinery';
import type { AdmissionPlugin } from '../contracts.ts';
import { about, type AdmissionDeps, annotation, refuse } from './common.ts';

/** The newest (then first by name) of the objects that carry the default annotation. */
function newestDefault(objects: Unstructured[], key: string, older?: string): Unstructured | undefined {
  return objects
    .filter((object) => annotation(object, key) === 'true' || (older && annotation(object, older) === 'true'))
    .toSorted((a, b) => {
      const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
      return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x > y ? -1 : 1;
    })[0];
}

export function defaultStorageClass({ lookup }: AdmissionDeps): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    completes: true,
    mutate(request) {
      if (request.operation !== 'CREATE' || !about(request, '', 'persistentvolumeclaims')) return;
      const spec = request.object?.['spec'] as PersistentVolumeClaimSpec | undefined;
      if (!spec || typeof spec !== 'object' || spec.storageClassName != null) return;
      if (annotation(request.object, 'volume.beta.kubernetes.io/storage-class') !== undefined) return;
      const found = newestDefault(
        lookup.list('storage.k8s.io', 'storageclasses'),
        'storageclass.kubernetes.io/is-default-class',
        'storageclass.beta.kubernetes.io/is-default-class',
      );
      if (found) spec.storageClassName = found.metadata.name;
    },
  };
}

export function defaultIngressClass({ lookup }: AdmissionDeps): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    completes: true,
    mutate(request) {
      if (request.operation !== 'CREATE' || !about(request, 'networking.k8s.io', 'ingresses')) return;
      const spec = request.object?.['spec'] as networking_v1.IngressSpec | undefined;
      if (!spec || typeof spec !== 'object' || spec.ingressClassName != null) return;
      if (annotation(request.object, 'kubernetes.io/ingress.class') !== undefined) return;
      const found = newestDefault(
        lookup.list('networking.k8s.io', 'ingressclasses'),
        'ingressclass.kubernetes.io/is-default-class',
      );
      if (found) spec.ingressClassName = found.metadata.name;
    },
  };
}

/** A claim may only grow if its class says so. */
export function claimResize({ lookup }: AdmissionDeps): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    validate(request) {
      if (request.operation !== 'UPDATE' || !about(request, '', 'persistentvolumeclaims')) return;
      const spec = request.object?.['spec'] as PersistentVolumeClaimSpec | undefined;
      const old = request.oldObject?.['spec'] as PersistentVolumeClaimSpec | undefined;
      const [asked, had] = [spec?.resources?.requests?.['storage'], old?.resources?.requests?.['storage']];
      if (!asked || !had || parseQuantity(asked).cmp(parseQuantity(had)) <= 0) return;
      const name = spec?.storageClassName;
      const found = name
        ? (lookup.get('storage.k8s.io', 'storageclasses', '', name) as storage_v1.StorageClass | undefined)
        : undefined;
      if (found?.allowVolumeExpansion !== true)
        throw refuse(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        );
    },
  };
}

export function storageObjectInUseProtection(): AdmissionPlugin {
  const finalizers: Record<string, string> = {
    persistentvolumes: 'kubernetes.io/pv-protection',
    persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  };
  return {
    name: 'StorageObjectInUseProtection',
    completes: true,
    mutate(request) {
      const finalizer = finalizers[request.resource];
      if (request.operation !== 'CREATE' || !finalizer || !about(request, '', request.resource)) return;
      const metadata = request.object?.metadata;
      if (!metadata || (metadata.finalizers ?? []).includes(finalizer)) return;
      metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}
