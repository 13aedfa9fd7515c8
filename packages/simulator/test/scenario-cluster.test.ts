import { poolLabel } from '../src/model/cluster.ts';
import { describe, expect, test } from 'vitest';
import { clusterOf } from '../src/scenario/cluster.ts';
import { nodeOfPool, poolOf, shapeOf } from '../src/scenario/shapes.ts';

const names = ({ nodes }: { nodes: readonly { metadata: { name?: string } }[] }) =>
  nodes.map(({ metadata }) => metadata.name);

describe('a shape', () => {
  test('is a card and how many', () => {
    const { template } = shapeOf('a100x8');
    expect(template.status?.allocatable).toMatchObject({
      'nvidia.com/gpu': '8',
      cpu: '96',
      memory: '1152Gi',
    });
    expect(template.metadata?.labels).toMatchObject({
      'alibabacloud.com/gpu-card-model': 'A100',
      'nvidia.com/gpu.memory': '81920',
    });
    expect(shapeOf('a100-40x4').template.metadata?.labels?.['nvidia.com/gpu.memory']).toBe('40960');
  });
  test('is cores', () => {
    expect(shapeOf('cpu64').template.status?.allocatable).toEqual({
      cpu: '64',
      memory: '256Gi',
      pods: '110',
    });
  });
  test('of your own goes before the table', () => {
    const own = { a100x8: { cpu: 1, memory: '1Gi', cards: 2, model: 'X', cardMemory: '1Gi' } };
    expect(shapeOf('a100x8', own).template.status?.allocatable).toMatchObject({ 'nvidia.com/gpu': '2' });
    expect(shapeOf('a100x8', own).template.metadata?.labels).toMatchObject({
      'nvidia.com/gpu.memory': '1024',
    });
  });
  test.each(['a100', 'a100x0', 'a100x100', 'cpu0', 'x8', ''])('is not %j', (name) => {
    expect(() => shapeOf(name)).toThrow('there is no shape');
  });
});

describe('a cluster', () => {
  const pools = [
    { shape: 'a100x8', count: 2 },
    { name: 'small', shape: 't4x4', count: 1 },
  ];
  test('has nodes of its pools', () => {
    const cluster = clusterOf({ cluster: { pools } }, []);
    expect(names(cluster)).toEqual(['a100x8-0000', 'a100x8-0001', 'small-0000']);
    expect(cluster.nodes[2]?.metadata.labels?.[poolLabel]).toBe('small');
    expect(cluster.pools.map(({ name, count }) => [name, count])).toEqual([
      ['a100x8', 2],
      ['small', 1],
    ]);
    expect(cluster.name).toBe('2 a100x8, 1 small');
  });
  test('grows, shrinks and is swapped', () => {
    const cluster = clusterOf({ cluster: { pools } }, [], {
      add: [{ shape: 't4x4', count: 1 }],
      swap: [{ pool: 'a100x8', shape: 'h100x8', count: 1 }],
      remove: [{ pool: 'a100x8', count: 1 }],
    });
    // T4s go to the pool that has them.
    expect(names(cluster)).toEqual(['small-0000', 'small-0001', 'h100x8-0000']);
  });
  test('of a file keeps the order of its nodes, in pools of equal ones', () => {
    const node = (name: string, shape: string) => {
      const { metadata, ...made } = nodeOfPool(poolOf('x', shapeOf(shape), 1), 0);
      const { [poolLabel]: _, ...labels } = metadata.labels!;
      return { ...made, metadata: { ...metadata, name, labels } };
    };
    const found = [node('n1', 'a100x8'), node('n2', 't4x4'), node('n3', 'a100x8')];
    const cluster = clusterOf({ cluster: {} }, found, { add: [{ shape: 'a100x8', count: 1 }] });
    expect(names(cluster)).toEqual(['n1', 'n2', 'n3', 'a100x8-0002']);
    expect(cluster.pools.map(({ name, count }) => [name, count])).toEqual([
      ['a100x8', 3],
      ['t4x4', 1],
    ]);
  });
  test('cannot lose what it has not', () => {
    expect(() => clusterOf({ cluster: { pools } }, [], { remove: [{ pool: 'small', count: 2 }] })).toThrow(
      'pool "small" has 1 nodes: 2 cannot be taken away',
    );
    expect(() => clusterOf({ cluster: {} }, [])).toThrow('there are no nodes');
  });
});

describe('nodes that come and go', () => {
  const found = ['a', 'b', 'c'].map((name) => ({
    ...nodeOfPool(poolOf('p', shapeOf('cpu16'), 3), 0),
    metadata: {
      ...nodeOfPool(poolOf('p', shapeOf('cpu16'), 3), 0).metadata,
      name,
      labels: { [poolLabel]: 'p' },
    },
  }));
  const changes = [
    { atMs: 5, node: 'a', what: 'retires' as const },
    { atMs: 9, node: 'c', what: 'joins' as const },
  ];
  test('are those of the recording, and the name says how many there are at most', () => {
    const cluster = clusterOf({ cluster: {} }, found, {}, changes);
    expect(cluster).toMatchObject({ name: 'up to 2 p', changes });
    expect(names(cluster)).toEqual(['a', 'b', 'c']);
    // One that is taken away has none.
    expect(clusterOf({ cluster: {} }, found, { remove: [{ pool: 'p', count: 1 }] }, changes).changes).toEqual(
      [changes[0]],
    );
  });
  test('of a pool that the scenario scales itself are those of the start', () => {
    const autoscaling = [{ pool: 'p', min: 1, max: 9 }];
    const cluster = clusterOf({ cluster: {}, autoscaling }, found, {}, changes);
    expect(names(cluster)).toEqual(['a', 'b']);
    expect(cluster.changes).toBeUndefined();
  });
});
