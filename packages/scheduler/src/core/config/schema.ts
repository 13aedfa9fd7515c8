/**
 * The shape of a KubeSchedulerConfiguration file (`kubescheduler.config.k8s.io/v1`) as schemas, so that the same code that
 * reads API objects finds wrong types and unknown fields in it and puts the defaults in.
 */
import type { Schema } from '@coracle/machinery';

type Fields = Readonly<Record<string, Schema>>;

const struct = (definition: string, properties: Fields): Schema => ({
  type: 'object',
  goTyped: true,
  definition: `config.v1.${definition}`,
  properties,
});
const list = (items: Schema): Schema => ({ type: 'array', goTyped: true, items });
const withDefault = (schema: Schema, value: unknown): Schema => ({ ...schema, default: value });

const string: Schema = { type: 'string', goTyped: true };
const bool: Schema = { type: 'boolean', goTyped: true };
const int32: Schema = { type: 'integer', format: 'int32', goTyped: true };
const int64: Schema = { type: 'integer', format: 'int64', goTyped: true };
const float: Schema = { type: 'number', goTyped: true };
/** Go's text for durations: `15s`. */
const duration = string;
/** Objects of the core API, whose own rules are checked where they are used. */
const anything: Schema = { type: 'object', goTyped: true, 'x-kubernetes-preserve-unknown-fields': true };

const plugin = struct('Plugin', { name: string, weight: int32 });
const pluginSet = struct('PluginSet', { enabled: list(plugin), disabled: list(plugin) });

/** Where a plugin may be asked, in the order of a pod's way; `multiPoint` stands for all of them. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

const plugins = struct(
  'Plugins',
  Object.fromEntries([...extensionPoints, 'multiPoint'].map((point) => [point, pluginSet])),
);

const resource = struct('ResourceSpec', { name: string, weight: withDefault(int64, 1) });
const resources = withDefault(list(resource), [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]);
const shape = list(struct('UtilizationShapePoint', { utilization: int32, score: int32 }));
const typed = { apiVersion: string, kind: string };

/** Arguments by plugin name. */
export const argumentSchemas: Fields = {
  DefaultPreemption: struct('DefaultPreemptionArgs', {
    ...typed,
    minCandidateNodesPercentage: withDefault(int32, 10),
    minCandidateNodesAbsolute: withDefault(int32, 100),
  }),
  DynamicResources: struct('DynamicResourcesArgs', {
    ...typed,
    filterTimeout: withDefault(duration, '10s'),
    bindingTimeout: withDefault(duration, '10m0s'),
  }),
  InterPodAffinity: struct('InterPodAffinityArgs', {
    ...typed,
    hardPodAffinityWeight: withDefault(int32, 1),
    ignorePreferredTermsOfExistingPods: bool,
  }),
  NodeAffinity: struct('NodeAffinityArgs', { ...typed, addedAffinity: anything }),
  NodeResourcesBalancedAllocation: struct('NodeResourcesBalancedAllocationArgs', { ...typed, resources }),
  NodeResourcesFit: struct('NodeResourcesFitArgs', {
    ...typed,
    ignoredResources: list(string),
    ignoredResourceGroups: list(string),
    scoringStrategy: withDefault(
      struct('ScoringStrategy', {
        type: string,
        resources,
        requestedToCapacityRatio: struct('RequestedToCapacityRatioParam', { shape }),
      }),
      { type: 'LeastAllocated' },
    ),
  }),
  PodTopologySpread: struct('PodTopologySpreadArgs', {
    ...typed,
    defaultingType: withDefault(string, 'System'),
    defaultConstraints: list(
      struct('TopologySpreadConstraint', {
        maxSkew: int32,
        topologyKey: string,
        whenUnsatisfiable: string,
        labelSelector: anything,
        minDomains: int32,
        nodeAffinityPolicy: string,
        nodeTaintsPolicy: string,
        matchLabelKeys: list(string),
      }),
    ),
  }),
  VolumeBinding: struct('VolumeBindingArgs', {
    ...typed,
    bindTimeoutSeconds: withDefault(int64, 600),
    shape,
  }),
};

/** The whole file. `args` of plugins are read with `argumentSchemas`. */
export const configurationSchema = struct('KubeSchedulerConfiguration', {
  ...typed,
  parallelism: withDefault(int32, 16),
  leaderElection: withDefault(
    struct('LeaderElectionConfiguration', {
      leaderElect: withDefault(bool, true),
      leaseDuration: withDefault(duration, '15s'),
      renewDeadline: withDefault(duration, '10s'),
      retryPeriod: withDefault(duration, '2s'),
      resourceLock: withDefault(string, 'leases'),
      resourceName: withDefault(string, 'kube-scheduler'),
      resourceNamespace: withDefault(string, 'kube-system'),
    }),
    {},
  ),
  clientConnection: withDefault(
    struct('ClientConnectionConfiguration', {
      kubeconfig: withDefault(string, ''),
      acceptContentTypes: withDefault(string, ''),
      contentType: withDefault(string, 'application/vnd.kubernetes.protobuf'),
      qps: withDefault(float, 50),
      burst: withDefault(int32, 100),
    }),
    {},
  ),
  healthzBindAddress: string,
  metricsBindAddress: string,
  enableProfiling: withDefault(bool, true),
  enableContentionProfiling: withDefault(bool, true),
  percentageOfNodesToScore: withDefault(int32, 0),
  podInitialBackoffSeconds: withDefault(int64, 1),
  podMaxBackoffSeconds: withDefault(int64, 10),
  delayCacheUntilActive: withDefault(bool, false),
  profiles: withDefault(
    list(
      struct('KubeSchedulerProfile', {
        schedulerName: string,
        percentageOfNodesToScore: int32,
        plugins: withDefault(plugins, {}),
        pluginConfig: withDefault(list(struct('PluginConfig', { name: string, args: anything })), []),
      }),
    ),
    [],
  ),
  extenders: list(anything),
});
