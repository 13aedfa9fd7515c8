/** The pod that a Job's template makes. */
import type { Draft } from '@coracle/machinery';
import { Job } from '@coracle/machinery/api';
import type { Container, Pod } from '@coracle/machinery/api';
import { controllerReference } from '../lib/claim.ts';
import {
  completionIndexKey,
  indexFailureCountKey,
  indexIgnoredFailureCountKey,
  trackingFinalizer,
} from './constants.ts';
import type { IndexFailures } from './pods.ts';

/** Longest prefix that leaves room for the five random characters of a generated name in a 63 character label. */
const maxPrefix = 58;

/** `failures` only with backoffLimitPerIndex: those of the index so far. */
export function podFromTemplate(job: Job, index?: number, failures?: IndexFailures): Draft<Pod> {
  const template = structuredClone(job.spec?.template ?? {});
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const pod: Draft<Pod> = {
    metadata: {
      generateName: `${job.metadata.name}-`,
      namespace: job.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      finalizers: finalizers?.includes(trackingFinalizer)
        ? finalizers
        : [...(finalizers ?? []), trackingFinalizer],
      ownerReferences: [controllerReference(Job, job)],
    },
    ...(template.spec ? { spec: template.spec } : {}),
  };
  if (index === undefined) return pod;

  const suffix = `-${index}-`;
  pod.metadata.generateName = job.metadata.name.slice(0, maxPrefix - suffix.length) + suffix;
  pod.metadata.annotations = { ...annotations, [completionIndexKey]: `${index}` };
  pod.metadata.labels = { ...labels, [completionIndexKey]: `${index}` };
  if (failures) {
    pod.metadata.annotations[indexFailureCountKey] = `${failures.counted}`;
    if (failures.ignored > 0) pod.metadata.annotations[indexIgnoredFailureCountKey] = `${failures.ignored}`;
  }
  if (pod.spec) {
    pod.spec.hostname = `${job.metadata.name}-${index}`;
    for (const container of pod.spec.initContainers ?? []) addIndexVariable(container);
    for (const container of pod.spec.containers) addIndexVariable(container);
  }
  return pod;
}

function addIndexVariable(container: Container): void {
  if (container.env?.some((variable) => variable.name === 'JOB_COMPLETION_INDEX')) return;
  container.env = [
    ...(container.env ?? []),
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { fieldPath: `metadata.labels['${completionIndexKey}']` } },
    },
  ];
}
