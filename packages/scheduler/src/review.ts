/**
 * SchedulingReview: a question to the scheduler, in the way of a SubjectAccessReview. It is created, answered and never
 * stored. Who may create one in a namespace may ask about the namespace's pods and pod groups.
 */
import {
  errors,
  kindFromCrd,
  resourceType,
  type FieldError,
  type Kind,
  type KubeObject,
  type Schema,
  type Unstructured,
} from '@coracle/machinery';
import type { PodTemplateSpec } from '@coracle/machinery/api';
import type { Explanation, Trace } from './core/index.ts';
import type { ExplainQuery } from './live/explain.ts';

export interface SchedulingReviewSpec {
  /** Exactly one of these three. A pod; */
  pod?: { name: string };
  /** a pod group, of this API group if there are several of the name; */
  podGroup?: { name: string; group?: string };
  /** a pod that does not exist: what would become of it? */
  template?: PodTemplateSpec;
  /** With the verdict and score of every plugin on the nodes. */
  trace?: boolean;
  /** Nodes in the trace and in detail. */
  limit?: number;
}
export interface SchedulingReview {
  apiVersion: 'coracle.dev/v1alpha1';
  kind: 'SchedulingReview';
  metadata: { namespace?: string };
  spec: SchedulingReviewSpec;
  status?: { explanation: Explanation; trace?: Trace };
}

export const SchedulingReview = resourceType<SchedulingReview>(
  'coracle.dev',
  'v1alpha1',
  'schedulingreviews',
  'SchedulingReview',
  true,
);

/** Largest `limit`. */
const maxLimit = 100_000;

const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const schema: Schema = {
  type: 'object',
  description: 'Asks the scheduler why a pod or a pod group waits. It is answered and not stored.',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        pod: {
          type: 'object',
          description: 'The pod to explain. Exactly one of pod, podGroup and template is set.',
          required: ['name'],
          properties: { name: { type: 'string', minLength: 1 } },
        },
        podGroup: {
          type: 'object',
          description: 'The pod group to explain.',
          required: ['name'],
          properties: {
            name: { type: 'string', minLength: 1 },
            group: { type: 'string', description: 'Its API group, if there are several of the name.' },
          },
        },
        template: { ...anything, description: 'A pod template: what would become of such a pod.' },
        trace: {
          type: 'boolean',
          description: 'Also every plugin’s verdict and score on the nodes.',
        },
        limit: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: maxLimit,
          description: 'How many nodes to show in the trace and in detail.',
        },
      },
    },
    status: { ...anything, description: 'The answer.' },
  },
};

/** The kind as it is served. */
export function schedulingReviewKind(): Kind {
  const { group, version, resource, kind } = SchedulingReview;
  const definition = {
    spec: {
      group,
      names: { plural: resource, kind },
      scope: 'Namespaced',
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  const [made] = kindFromCrd(definition as unknown as KubeObject);
  return { ...made!, verbs: ['create'] };
}

/** What the schema cannot say. */
export function reviewProblems(review: Unstructured): FieldError[] {
  const { pod, podGroup, template } = (review['spec'] ?? {}) as SchedulingReviewSpec;
  const given = [pod, podGroup, template].filter((each) => each !== undefined).length;
  if (given === 1) return [];
  const detail = 'exactly one of pod, podGroup and template must be set';
  return [{ type: given === 0 ? 'FieldValueRequired' : 'FieldValueForbidden', field: 'spec', detail }];
}

/** The question in a review that has no problems. */
export function queryOf(review: Unstructured): ExplainQuery {
  const { pod, podGroup, template, trace, limit } = review['spec'] as SchedulingReviewSpec;
  return {
    namespace: review.metadata.namespace ?? '',
    ...(pod ? { pod: pod.name } : {}),
    ...(podGroup ? { podGroup } : {}),
    ...(template ? { template } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** The error for a question about something that is not there. */
export function nothingOfThatName(query: ExplainQuery): Error {
  if (query.podGroup) {
    const { name, group = 'scheduling.k8s.io' } = query.podGroup;
    return errors.notFound({ group, resource: 'podgroups' }, name);
  }
  return errors.notFound({ group: '', resource: 'pods' }, query.pod ?? '');
}
