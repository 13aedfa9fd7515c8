/**
 * The PodGroup kinds of kubernetes-sigs/scheduler-plugins and of Volcano as CustomResourceDefinitions, as upstream has them
 * but without prose: a cluster of ours serves them, so that manifests people have can be applied unchanged.
 */

const count = { type: 'integer', format: 'int32' };
const text = { type: 'string' };
const quantities = {
  type: 'object',
  additionalProperties: {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    pattern:
      '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$',
    'x-kubernetes-int-or-string': true,
  },
};
const object = (properties: object): object => ({ type: 'object', properties });
const column = (name: string, type: string, jsonPath: string, priority = 0): object => ({
  name,
  type,
  jsonPath,
  ...(priority > 0 ? { priority } : {}),
});

function podGroups(options: {
  group: string;
  version: string;
  shortNames: readonly string[];
  spec: object;
  status: object;
  columns: readonly object[];
  annotations?: Readonly<Record<string, string>>;
}): object {
  const { group, version, shortNames, spec, status, columns, annotations } = options;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `podgroups.${group}`, ...(annotations ? { annotations } : {}) },
    spec: {
      group,
      names: {
        kind: 'PodGroup',
        listKind: 'PodGroupList',
        plural: 'podgroups',
        singular: 'podgroup',
        shortNames,
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: object({
              apiVersion: text,
              kind: text,
              metadata: { type: 'object' },
              spec: object(spec),
              status: object(status),
            }),
          },
        },
      ],
    },
  };
}

/** New objects on each call for the outer levels; inner parts are shared: do not change them. */
export function podGroupCrds(): object[] {
  return [
    podGroups({
      group: 'scheduling.x-k8s.io',
      version: 'v1alpha1',
      shortNames: ['pg', 'pgs'],
      // Names below *.k8s.io need the mark of their review.
      annotations: {
        'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/scheduler-plugins/pull/50',
      },
      spec: { minMember: count, minResources: quantities, scheduleTimeoutSeconds: count },
      status: {
        phase: text,
        occupiedBy: text,
        running: count,
        succeeded: count,
        failed: count,
        scheduleStartTime: { type: 'string', format: 'date-time' },
      },
      columns: [
        column('Phase', 'string', '.status.phase'),
        column('MinMember', 'integer', '.spec.minMember'),
        column('Running', 'string', '.status.running'),
        column('Succeeded', 'string', '.status.succeeded'),
        column('Failed', 'string', '.status.failed'),
        column('Age', 'date', '.metadata.creationTimestamp'),
      ],
    }),
    podGroups({
      group: 'scheduling.volcano.sh',
      version: 'v1beta1',
      shortNames: ['pg', 'podgroup-v1beta1'],
      spec: {
        minMember: count,
        minTaskMember: { type: 'object', additionalProperties: count },
        queue: { type: 'string', default: 'default' },
        priorityClassName: text,
        minResources: quantities,
        networkTopology: object({
          mode: { type: 'string', enum: ['hard', 'soft'], default: 'hard' },
          highestTierAllowed: { type: 'integer' },
          highestTierName: text,
        }),
      },
      status: {
        phase: text,
        conditions: {
          type: 'array',
          items: object({
            type: text,
            status: text,
            transitionID: text,
            lastTransitionTime: { type: 'string', format: 'date-time' },
            reason: text,
            message: text,
          }),
        },
        running: count,
        succeeded: count,
        failed: count,
      },
      columns: [
        column('STATUS', 'string', '.status.phase'),
        column('minMember', 'integer', '.spec.minMember'),
        column('RUNNINGS', 'integer', '.status.running'),
        column('AGE', 'date', '.metadata.creationTimestamp'),
        column('QUEUE', 'string', '.spec.queue', 1),
      ],
    }),
  ];
}
