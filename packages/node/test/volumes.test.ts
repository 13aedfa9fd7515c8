import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap, Pod, Secret, Volume } from '@coracle/machinery/api';
import { PersistentVolume, PersistentVolumeClaim } from '@coracle/machinery/api';
import { fakeCluster } from '@coracle/operator/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { writePayload } from '../src/volumes/atomic-writer.ts';
import { prepareHostPath } from '../src/volumes/host-path.ts';
import type { PayloadContext } from '../src/volumes/payloads.ts';
import { PodVolumes } from '../src/volumes/pod-volumes.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-volumes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const fresh = (): string => join(folder, `${serial++}`);
const file = (text: string, mode = 0o644) => ({ content: Buffer.from(text), mode });

describe('the atomic writer', () => {
  test('goes on where an agent was killed: after the link of the new folder, and before the names', async () => {
    const path = fresh();
    const payload = new Map([['a', file('1')]]);
    await writePayload(path, payload, new Date(0));
    symlinkSync('..1970_never', join(path, '..data_tmp'));
    mkdirSync(join(path, '..1970_half_written'));
    expect(await writePayload(path, new Map([['a', file('2')]]), new Date(0))).toBe(true);
    expect(readdirSync(path).toSorted()).toEqual(
      ['..data', readlinkSync(join(path, '..data')), 'a'].toSorted(),
    );
    rmSync(join(path, 'a'));
    await writePayload(path, new Map([['a', file('2')]]), new Date(0));
    expect(readFileSync(join(path, 'a'), 'utf8')).toBe('2');
  });

  test('shows files through ..data, changes them all at once, and drops names no longer there', async () => {
    const path = fresh();
    expect(
      await writePayload(
        path,
        new Map([
          ['a', file('1')],
          ['d/b', file('2', 0o400)],
        ]),
        new Date(0),
      ),
    ).toBe(true);
    expect(readlinkSync(join(path, 'a'))).toBe('..data/a');
    expect(readFileSync(join(path, 'd/b'), 'utf8')).toBe('2');
    expect(statSync(join(path, 'd/b')).mode & 0o777).toBe(0o400);
    const before = readlinkSync(join(path, '..data'));
    expect(
      await writePayload(
        path,
        new Map([
          ['a', file('1')],
          ['d/b', file('2', 0o400)],
        ]),
        new Date(1),
      ),
    ).toBe(false);
    expect(readlinkSync(join(path, '..data'))).toBe(before);
    expect(await writePayload(path, new Map([['a', file('new')]]), new Date(2))).toBe(true);
    expect(readFileSync(join(path, 'a'), 'utf8')).toBe('new');
    expect(readdirSync(path).filter((name) => !name.startsWith('..'))).toEqual(['a']);
    expect(readdirSync(path)).not.toContain(before);
  });

  test.each(['../x', '/x', '', 'a/../../x'])('refuses the path %j', async (path) => {
    await expect(writePayload(fresh(), new Map([[path, file('')]]), new Date(0))).rejects.toThrow(
      'invalid path',
    );
  });
});

describe("a pod's volumes", () => {
  const cluster = fakeCluster();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const maps: Record<string, Partial<ConfigMap>> = {
    cm: { data: { a: 'A', b: 'B' }, binaryData: { bin: base64('\u0001') } },
  };
  const context = (volumes: Volume[]): PayloadContext => ({
    pod: {
      metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { l: 'v' } },
      spec: { containers: [{ name: 'c', resources: { limits: { cpu: '2' } } }], volumes },
    } as unknown as Pod,
    facts: { podIP: '10.0.0.1', hostIP: '', nodeName: 'n', allocatable: {} },
    sources: {
      configMap: async (_namespace, name) => maps[name] as ConfigMap | undefined,
      secret: async (_namespace, name) =>
        name === 's' ? ({ data: { key: base64('secret') } } as unknown as Secret) : undefined,
    },
    token: async (audience) => `token for ${audience ?? 'api'}`,
  });
  const setUp = async (
    ...volumes: Volume[]
  ): Promise<{ volumes: PodVolumes; path(name: string, sub?: string): Promise<string> }> => {
    const made = new PodVolumes(`u${serial}`, {
      client: cluster.client,
      folder: fresh(),
      now: () => new Date(0),
    });
    await made.setUp(context(volumes));
    return {
      volumes: made,
      path: async (name, subPath) => {
        const [mount] = await made.mountsOf(
          { name: 'c', volumeMounts: [{ name, mountPath: '/m', subPath }] },
          {},
        );
        return mount?.hostPath ?? '';
      },
    };
  };

  test('hold config maps, secrets, downward API and tokens', async () => {
    const { path } = await setUp(
      { name: 'cm', configMap: { name: 'cm', items: [{ key: 'a', path: 'x/y', mode: 0o600 }] } },
      { name: 's', secret: { secretName: 's', defaultMode: 0o440 } },
      {
        name: 'all',
        projected: {
          sources: [
            { configMap: { name: 'cm' } },
            { secret: { name: 'none', optional: true } },
            { serviceAccountToken: { path: 'token', audience: 'me' } },
            {
              downwardAPI: {
                items: [
                  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
                  { path: 'cpu', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } },
                ],
              },
            },
          ],
        },
      },
    );
    const read = async (volume: string, name: string): Promise<string> =>
      readFileSync(join(await path(volume), name), 'utf8');
    expect(await read('cm', 'x/y')).toBe('A');
    expect(statSync(join(await path('cm'), 'x/y')).mode & 0o777).toBe(0o600);
    expect(await read('s', 'key')).toBe('secret');
    expect(statSync(join(await path('s'), 'key')).mode & 0o777).toBe(0o440);
    expect([
      await read('all', 'b'),
      await read('all', 'token'),
      await read('all', 'labels'),
      await read('all', 'cpu'),
    ]).toEqual(['B', 'token for me', 'l="v"', '2']);
  });

  test('are refreshed when what they show has changed', async () => {
    maps['moving'] = { data: { k: 'old' } };
    const { volumes, path } = await setUp({ name: 'v', configMap: { name: 'moving' } });
    maps['moving'] = { data: { k: 'new' } };
    await volumes.setUp(context([{ name: 'v', configMap: { name: 'moving' } }]));
    expect(readFileSync(join(await path('v'), 'k'), 'utf8')).toBe('new');
  });

  test('of emptyDir keep what is in them; sub-paths are made and stay inside', async () => {
    const { path, volumes } = await setUp(
      { name: 'e', emptyDir: {} },
      { name: 'm', emptyDir: { medium: 'Memory' } },
    );
    expect(statSync(await path('e')).mode & 0o777).toBe(0o777);
    expect(statSync(await path('e', 'sub/deep')).isDirectory()).toBe(true);
    await expect(path('e', '../out')).rejects.toThrow('must stay inside');
    await volumes.tearDown();
  });

  test.each<[Volume, string]>([
    [{ name: 'v', configMap: { name: 'none' } }, 'configmap "none" not found'],
    [
      { name: 'v', secret: { secretName: 's', items: [{ key: 'x', path: 'x' }] } },
      'references non-existent secret key: x',
    ],
    [{ name: 'v', nfs: { server: 's', path: '/' } }, 'volume type nfs is not supported'],
    [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }, 'persistentvolumeclaim "none" not found'],
  ])('that cannot be made say why', async (volume, message) => {
    await expect(setUp(volume)).rejects.toThrow(`MountVolume.SetUp failed for volume "v" : `);
    await expect(setUp(volume)).rejects.toThrow(message);
  });

  test('of a claim are the folder of the volume it is bound to', async () => {
    const path = fresh();
    cluster.seed(
      {
        apiVersion: 'v1',
        kind: PersistentVolume.kind,
        metadata: { name: 'pv' },
        spec: { hostPath: { path } },
      },
      {
        apiVersion: 'v1',
        kind: PersistentVolumeClaim.kind,
        metadata: { name: 'claim', namespace: 'ns' },
        spec: { volumeName: 'pv' },
        status: { phase: 'Bound' },
      },
    );
    const made = await setUp({ name: 'v', persistentVolumeClaim: { claimName: 'claim' } });
    expect(await made.path('v')).toBe(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  test('of the host are checked against their type', async () => {
    const path = fresh();
    await expect(prepareHostPath(path, 'Directory')).rejects.toThrow('is not a directory');
    await prepareHostPath(join(path, 'd'), 'DirectoryOrCreate');
    await prepareHostPath(join(path, 'x', 'f'), 'FileOrCreate');
    await prepareHostPath(join(path, 'x', 'f'), 'File');
    await expect(prepareHostPath(join(path, 'd'), 'File')).rejects.toThrow('is not a file');
    await expect(prepareHostPath(join(path, 'd'), 'Socket')).rejects.toThrow('is not a socket file');
  });
});
