import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  defaultProfile,
  defaultRegistry,
  parseConfiguration,
  profilesFrom,
  readConfiguration,
  type Profile,
} from '../src/core/index.ts';

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
const of = (rest: object): readonly Profile[] =>
  profilesFrom(readConfiguration({ ...head, ...rest })).profiles;
const withPlugins = (plugins: object, pluginConfig: object[] = []): Profile =>
  of({ profiles: [{ plugins, pluginConfig }] })[0]!;
const filters = ({ plugins }: Profile): string[] =>
  plugins.filter(({ plugin }) => 'prepareFilter' in plugin).map(({ plugin }) => plugin.name);
const weights = ({ plugins }: Profile): Record<string, number> =>
  Object.fromEntries(
    plugins.filter(({ plugin }) => 'prepareScore' in plugin).map((p) => [p.plugin.name, p.weight ?? 1]),
  );
const problem = (rest: object): string => {
  try {
    of(rest);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no problem';
};

test('the configurations in docs/scheduler.md are read', () => {
  const text = readFileSync(new URL('../../../docs/scheduler.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => block!);
  const configurations = blocks.filter((block) => block.includes('kind: KubeSchedulerConfiguration'));
  expect(configurations.length).toBeGreaterThan(1);
  for (const block of configurations)
    expect(profilesFrom(parseConfiguration(block)).profiles).not.toEqual([]);
});

describe('KubeSchedulerConfiguration', () => {
  test('an empty one is the default profile', () => {
    const [profile] = of({});
    const expected = defaultProfile();
    expect(profile!.schedulerName).toBe('default-scheduler');
    expect(filters(profile!)).toEqual(filters(expected));
    expect(weights(profile!)).toEqual(weights(expected));
    expect(profile!.preemption).toMatchObject({
      minCandidateNodesPercentage: 10,
      minCandidateNodesAbsolute: 100,
    });
  });

  test('YAML is read, with defaults for what it leaves out', () => {
    const config = parseConfiguration(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
podMaxBackoffSeconds: 20
percentageOfNodesToScore: 30
leaderElection: { leaderElect: false }
clientConnection: { kubeconfig: /etc/scheduler.conf }
profiles:
- schedulerName: spread
- schedulerName: packed
  percentageOfNodesToScore: 70
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy:
        type: MostAllocated
        resources: [{ name: cpu, weight: 3 }, { name: nvidia.com/gpu }]
`);
    expect(config.leaderElection).toMatchObject({
      leaderElect: false,
      leaseDuration: '15s',
      resourceName: 'kube-scheduler',
    });
    expect(config.clientConnection).toMatchObject({ kubeconfig: '/etc/scheduler.conf', qps: 50 });
    expect(config.profiles[1]!.pluginConfig[0]!.args).toEqual({
      scoringStrategy: {
        type: 'MostAllocated',
        resources: [
          { name: 'cpu', weight: 3 },
          { name: 'nvidia.com/gpu', weight: 1 },
        ],
      },
    });
    const { profiles, queue } = profilesFrom(config);
    expect(queue).toEqual({ initialBackoffMs: 1000, maxBackoffMs: 20_000 });
    expect(profiles.map((p) => [p.schedulerName, p.percentageOfNodesToScore])).toEqual([
      ['spread', 30],
      ['packed', 70],
    ]);
  });

  test('a plugin can be disabled at one point or everywhere', () => {
    const scoreless = withPlugins({ score: { disabled: [{ name: 'TaintToleration' }] } });
    expect(filters(scoreless)).toContain('TaintToleration');
    expect(weights(scoreless)).not.toHaveProperty('TaintToleration');
    const gone = withPlugins({ multiPoint: { disabled: [{ name: 'TaintToleration' }] } });
    expect(filters(gone)).not.toContain('TaintToleration');
    const bare = withPlugins({
      multiPoint: {
        disabled: [{ name: '*' }],
        enabled: [{ name: 'NodeName' }, { name: 'PrioritySort' }, { name: 'DefaultBinder' }],
      },
    });
    expect(bare.plugins.map(({ plugin }) => plugin.name)).toEqual(['NodeName']);
    expect(bare.preemption).toBe(false);
  });

  test('weights: of the score point, else of multiPoint, else 1', () => {
    const profile = withPlugins({
      multiPoint: { enabled: [{ name: 'NodeAffinity' }, { name: 'ImageLocality', weight: 7 }] },
      score: { enabled: [{ name: 'ImageLocality', weight: 9 }] },
    });
    expect(weights(profile)).toMatchObject({ NodeAffinity: 1, ImageLocality: 9, TaintToleration: 3 });
  });

  test('order: plugins a point names again, then the others of multiPoint', () => {
    const profile = withPlugins({ filter: { enabled: [{ name: 'NodePorts' }, { name: 'NodeName' }] } });
    expect(filters(profile).slice(0, 4)).toEqual([
      'NodePorts',
      'NodeName',
      'NodeUnschedulable',
      'TaintToleration',
    ]);
  });

  test('plugins from elsewhere are known by the registry', () => {
    const registry = defaultRegistry();
    const packing = { name: 'Packing', prepareScore: () => undefined };
    registry.set('Packing', { points: ['score'], create: () => packing });
    const config = readConfiguration({
      ...head,
      profiles: [{ plugins: { score: { enabled: [{ name: 'Packing', weight: 5 }] } } }],
    });
    const [profile] = profilesFrom(config, registry).profiles;
    expect(profile!.plugins.at(-1)).toEqual({ plugin: packing, weight: 5 });
    expect(() => profilesFrom(config)).toThrow('score plugin "Packing" does not exist');
  });

  test.each([
    [{ parallelism: 0 }, 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
    [{ percentageOfNodesToScore: 101 }, 'percentageOfNodesToScore: Invalid value: 101: not in valid range'],
    [{ podInitialBackoffSeconds: 0 }, 'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0'],
    [{ podMaxBackoffSeconds: 0 }, 'podMaxBackoffSeconds: Invalid value: 0: must be greater than or equal'],
    [{ profiles: [{}, { schedulerName: 'a' }] }, 'profiles[0].schedulerName: Required value'],
    [
      { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
      'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    ],
    [
      { profiles: [{ plugins: { filter: { enabled: [{ name: 'EBSLimits' }] } } }] },
      'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version',
    ],
    [
      {
        profiles: [
          { schedulerName: 'a' },
          { schedulerName: 'b', plugins: { queueSort: { enabled: [{ name: 'Other' }] } } },
        ],
      },
      'profiles[1].plugins.queueSort: Invalid value',
    ],
    [{ profiles: [{ plugins: { filter: { enabled: [{ name: 'Nope' }] } } }] }, '"Nope" does not exist'],
    [
      { profiles: [{ plugins: { score: { enabled: [{ name: 'NodeName' }] } } }] },
      'plugin "NodeName" does not extend score plugin',
    ],
    [
      { profiles: [{ plugins: { queueSort: { disabled: [{ name: '*' }] } } }] },
      'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
    ],
    [
      { profiles: [{ plugins: { filter: { enabled: [{ name: 'NodeName' }, { name: 'NodeName' }] } } }] },
      'plugin "NodeName" already registered as "filter"',
    ],
    [{ profiles: [{ plugin: {} }] }, 'unknown field "profiles[0].plugin"'],
    [{ parallelism: 'many' }, 'parallelism: json: cannot unmarshal string into Go'],
    [{ apiVersion: 'kubescheduler.config.k8s.io/v1beta3' }, 'is of kubescheduler.config.k8s.io/v1beta3'],
    [{ leaderElection: { leaseDuration: '5s' } }, 'LeaseDuration must be greater than RenewDeadline'],
    [{ extenders: [{ urlPrefix: 'http://x' }] }, 'extenders: Forbidden'],
  ])('%j is refused', (rest, message) => {
    expect(problem(rest)).toContain(message);
  });

  test.each([
    ['DefaultPreemption', { minCandidateNodesPercentage: 200 }, 'not in valid range [0, 100]'],
    [
      'DefaultPreemption',
      { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 },
      'cannot be zero at the same time as minCandidateNodesAbsolute',
    ],
    ['InterPodAffinity', { hardPodAffinityWeight: 101 }, 'not in valid range [0, 100]'],
    ['InterPodAffinity', { weight: 1 }, 'unknown field "profiles[0].pluginConfig[0].args.weight"'],
    ['NodeResourcesFit', { ignoredResourceGroups: ['a/b'] }, "resource group name can't contain '/'"],
    [
      'NodeResourcesFit',
      { scoringStrategy: { type: 'Random' } },
      'scoringStrategy.type: Unsupported value: "Random": supported values: "LeastAllocated"',
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { type: 'RequestedToCapacityRatio' } },
      'requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio',
    ],
    [
      'NodeResourcesFit',
      { scoringStrategy: { type: 'LeastAllocated', resources: [{ name: 'cpu', weight: 101 }] } },
      'resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]',
    ],
    [
      'NodeResourcesFit',
      {
        scoringStrategy: {
          type: 'RequestedToCapacityRatio',
          requestedToCapacityRatio: {
            shape: [
              { utilization: 50, score: 1 },
              { utilization: 20, score: 11 },
            ],
          },
        },
      },
      'values must be sorted in increasing order',
    ],
    ['NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu', weight: 2 }] }, 'must be 1'],
    [
      'PodTopologySpread',
      { defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }] },
      'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      'PodTopologySpread',
      { defaultingType: 'List', defaultConstraints: [{ maxSkew: 0 }] },
      'defaultConstraints[0].whenUnsatisfiable: Required value: can not be empty',
    ],
    ['VolumeBinding', { bindTimeoutSeconds: -1 }, 'should not be a negative value'],
    [
      'NodeAffinity',
      {
        addedAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' }] }],
          },
        },
      },
      'nodeSelectorTerms[0].matchExpressions[0].values: Required value',
    ],
    ['DynamicResources', { bindingTimeout: '10ms' }, 'must be at least 1 second'],
    ['NodeAffinity', { kind: 'NodeResourcesFitArgs' }, 'has to match plugin args'],
  ])('arguments of %s: %j are refused', (name, args, message) => {
    expect(problem({ profiles: [{ pluginConfig: [{ name, args }] }] })).toContain(message);
  });

  test('arguments given twice are refused', () => {
    const twice = [{ name: 'NodeAffinity' }, { name: 'NodeAffinity' }];
    expect(problem({ profiles: [{ pluginConfig: twice }] })).toContain(
      'profiles[0].pluginConfig[1]: Duplicate value: "NodeAffinity"',
    );
  });
});
