import { describe, expect, test } from 'vitest';
import { nodePools, virtualPools } from '../src/engine/virtual-pools.ts';

describe('--nodes', () => {
  test('takes counts, counts with shapes, and several by commas', () => {
    expect(nodePools('1000')).toEqual([{ count: 1000 }]);
    expect(nodePools('8xh100x8')).toEqual([{ count: 8, shape: 'h100x8' }]);
    expect(nodePools('2xa100-40x4, 3xcpu64')).toEqual([
      { count: 2, shape: 'a100-40x4' },
      { count: 3, shape: 'cpu64' },
    ]);
  });

  test.each(['', 'x8', 'h100x8', '0', '0xh100x8', '-3', '2x', '3 4', '8xH100'])('refuses "%s"', (text) => {
    expect(() => nodePools(text)).toThrow(/8xh100x8/);
  });
});

describe('virtual pools', () => {
  test('without shapes are what --virtual-nodes makes', async () => {
    expect(await virtualPools([{ count: 3 }], undefined)).toEqual({ virtualNodes: 3 });
  });

  test('have the names, labels and capacity of their shape; pools of one shape are one', async () => {
    const pools = await virtualPools(
      [{ count: 1 }, { count: 1, shape: 'cpu64' }, { count: 1, shape: 'a100x8' }],
      'a100x8',
    );
    const { names, labels, capacity } = pools.virtualShape ?? {};
    const all = [0, 1, 2].map((index) => names?.(index));
    expect(pools.virtualNodes).toBe(3);
    expect(all).toEqual(['a100x8-0000', 'a100x8-0001', 'cpu64-0000']);
    if (typeof labels !== 'function' || typeof capacity !== 'function') throw new Error('by number');
    expect(labels(1)).toMatchObject({
      'node.kubernetes.io/instance-type': 'a100x8',
      'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB',
      'kubernetes.io/hostname': 'a100x8-0001',
    });
    expect(capacity(0)).toEqual({ cpu: '96', memory: '1152Gi', pods: '110', 'nvidia.com/gpu': '8' });
    expect(capacity(2)).toEqual({ cpu: '64', memory: '256Gi', pods: '110' });
  });

  test('say what is wrong', async () => {
    await expect(virtualPools([{ count: 1 }], 'a100')).rejects.toThrow(/no shape "a100"/);
    await expect(virtualPools([{ count: 1, shape: 'cpu8' }], 'a100x8')).rejects.toThrow(/number alone/);
    await expect(virtualPools([{ count: 200_000 }], undefined)).rejects.toThrow(/too many/);
  });
});
