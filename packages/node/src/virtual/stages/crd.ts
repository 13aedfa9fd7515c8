/** The CustomResourceDefinition of Stages: kwok's fields without its prose, so that manifests people have can be applied unchanged. */

const text = { type: 'string' };
const whole = { type: 'integer', format: 'int64', minimum: 0 };
const object = (properties: object, required?: readonly string[]): object => ({
  type: 'object',
  properties,
  ...(required ? { required } : {}),
});
const list = (items: object): object => ({ type: 'array', items });
const texts = { type: 'object', additionalProperties: text };

const cel = object({ expression: text });
const expression = object({ expressionFrom: text, jq: object({ expression: text }), cel });
const requirement = { key: text, operator: text, values: list(text) };
const user = object({ username: text }, ['username']);
const event = object({ type: text, reason: text, message: text });
const finalizer = object({ value: text });
const finalizers = object({ add: list(finalizer), remove: list(finalizer), empty: { type: 'boolean' } });
const patch = object({
  subresource: text,
  root: text,
  template: text,
  type: { type: 'string', enum: ['json', 'merge', 'strategic'] },
  impersonation: user,
});
const apply = object({
  subresource: text,
  template: text,
  type: { type: 'string', enum: ['apply', 'merge', 'strategic'] },
  impersonation: user,
});
const condition = object(
  {
    type: text,
    status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
    lastTransitionTime: { type: 'string', format: 'date-time' },
    reason: text,
    message: text,
  },
  ['type', 'status', 'lastTransitionTime'],
);

const spec = object(
  {
    resourceRef: object({ apiGroup: { type: 'string', default: 'v1' }, kind: text }, ['kind']),
    selector: object({
      matchLabels: texts,
      matchAnnotations: texts,
      matchExpressions: list(object({ ...requirement, jq: object(requirement), cel })),
    }),
    weight: { type: 'integer', default: 0, minimum: 0 },
    weightFrom: expression,
    delay: object({
      durationMilliseconds: whole,
      durationFrom: expression,
      jitterDurationMilliseconds: whole,
      jitterDurationFrom: expression,
    }),
    next: object({
      event,
      finalizers,
      delete: { type: 'boolean' },
      patches: list(patch),
      statusTemplate: text,
      statusSubresource: { type: 'string', default: 'status' },
      statusPatchAs: user,
    }),
    steps: list(object({ event, finalizers, delete: { type: 'boolean' }, patch, apply })),
    immediateNextStage: { type: 'boolean' },
  },
  ['resourceRef'],
);

export function stageCrd(): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'stages.kwok.x-k8s.io' },
    spec: {
      group: 'kwok.x-k8s.io',
      names: { kind: 'Stage', listKind: 'StageList', plural: 'stages', singular: 'stage' },
      scope: 'Cluster',
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: object(
              {
                apiVersion: text,
                kind: text,
                metadata: { type: 'object' },
                spec,
                status: object({
                  conditions: {
                    ...list(condition),
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                  },
                }),
              },
              ['spec'],
            ),
          },
        },
      ],
    },
  };
}
