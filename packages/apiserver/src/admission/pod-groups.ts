/** PodGroups: made of a template that exists, and not gone before their pods are. */
import type { scheduling_v1alpha2, Workload } from '@coracle/machinery/api';
import type { AdmissionPlugin } from '../contracts.ts';
import { about, type AdmissionDeps, refuse } from './common.ts';

const group = 'scheduling.k8s.io';

/** The finalizer that the controller of the same name takes away again. */
export function podGroupProtection(): AdmissionPlugin {
  const finalizer = `${group}/podgroup-protection`;
  return {
    name: 'PodGroupProtection',
    mutate(request) {
      if (request.operation !== 'CREATE' || !about(request, group, 'podgroups')) return;
      const metadata = request.object?.metadata;
      if (!metadata || (metadata.finalizers ?? []).includes(finalizer)) return;
      metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}

export function podGroupWorkloadExists({ lookup }: AdmissionDeps): AdmissionPlugin {
  return {
    name: 'PodGroupWorkloadExists',
    validate(request) {
      if (request.operation !== 'CREATE' || !about(request, group, 'podgroups')) return;
      const spec = request.object?.['spec'] as scheduling_v1alpha2.PodGroupSpec | undefined;
      const ref = spec?.podGroupTemplateRef?.workload;
      if (!ref) return;
      const { workloadName, podGroupTemplateName } = ref;
      const workload = lookup.get(group, 'workloads', request.namespace, workloadName) as
        | Workload
        | undefined;
      if (!workload) throw refuse(request, `PodGroup rejected: Workload "${workloadName}" not found`);
      if (!workload.spec.podGroupTemplates.some(({ name }) => name === podGroupTemplateName))
        throw refuse(
          request,
          `PodGroup rejected: PodGroupTemplate "${podGroupTemplateName}" not found in Workload "${workloadName}"`,
        );
    },
  };
}
