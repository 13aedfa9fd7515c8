/** The pure rules: resources, quality of service, downward API, variables, back-off, decisions. */
import type { ConfigMap, Container, Pod, PodSpec, Secret } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { BackOff } from '../src/pod/back-off.ts';
import { type ContainerView, decide } from '../src/pod/decide.ts';
import { fieldValue, resourceValue } from '../src/pod/downward.ts';
import { containerEnvironment, parseEnvFile } from '../src/pod/environment.ts';
import { podRequests, qosClass } from '../src/pod/resources.ts';

const podOf = (spec: Partial<PodSpec>, metadata: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'ns',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    ...metadata,
  } as Pod['metadata'],
  spec: { containers: [], ...spec },
});
const asks = (name: string, requests: object, limits: object = {}, more: object = {}): Container =>
  ({ name, resources: { requests, limits }, ...more }) as Container;
const facts = {
  podIP: '10.0.0.1',
  hostIP: '1.2.3.4',
  nodeName: 'n',
  allocatable: { cpu: 4000, memory: 1024 },
};

describe('what a pod asks for', () => {
  test('is the sum of its containers, or its greatest init container beside the sidecars before it', () => {
    const pod = podOf({
      initContainers: [
        asks('side', { cpu: '100m' }, {}, { restartPolicy: 'Always' }),
        asks('big', { cpu: '3', memory: '1Gi' }),
      ],
      containers: [asks('a', { cpu: '500m' }), asks('b', {}, { cpu: '1', memory: '64Mi' })],
      overhead: { cpu: '10m' },
    });
    expect(podRequests(pod)).toEqual({ cpu: 3110, memory: 2 ** 30 });
  });

  test.each([
    [[asks('a', { cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    [[asks('a', {}, { cpu: '1', memory: '1Gi' })], 'Guaranteed'],
    [[asks('a', { cpu: '1' })], 'Burstable'],
    [[asks('a', {}), asks('b', {}, { memory: '1' })], 'Burstable'],
    [[asks('a', {})], 'BestEffort'],
  ])('gives its class of service', (containers, expected) => {
    expect(qosClass(podOf({ containers }))).toBe(expected);
  });
});

describe('the downward API', () => {
  const pod = podOf(
    { serviceAccountName: 'sa' },
    { labels: { b: '2', a: '1' }, annotations: { 'x/y': 'say "hi"' } },
  );
  test.each([
    ['metadata.name', 'p'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u'],
    ["metadata.labels['a']", '1'],
    ["metadata.annotations['x/y']", 'say "hi"'],
    ['metadata.labels', 'a="1"\nb="2"'],
    ['metadata.annotations', 'x/y="say \\"hi\\""'],
    ['spec.nodeName', 'n'],
    ['spec.serviceAccountName', 'sa'],
    ['status.podIP', '10.0.0.1'],
    ['status.hostIP', '1.2.3.4'],
  ])('knows %s', (fieldPath, expected) => {
    expect(fieldValue(pod, { fieldPath }, facts)).toBe(expected);
  });

  test.each([
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['requests.cpu', '1', '1'],
    ['limits.memory', '1Mi', '2'],
    ['limits.memory', undefined, String(1_500_000)],
    ['requests.memory', undefined, String(1_500_000)],
  ])('%s in units of %s is %s', (resource, divisor, expected) => {
    const container = asks('a', { cpu: '200m' }, { cpu: '1500m', memory: '1500k' });
    expect(resourceValue(container, { resource, divisor }, facts)).toBe(expected);
  });

  test('a limit that is not set is what the node has', () => {
    expect(resourceValue(asks('a', {}), { resource: 'limits.cpu' }, facts)).toBe('4');
  });
});

describe('variables', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const sources = {
    configMap: async (_namespace: string, name: string) =>
      name === 'cm' ? ({ data: { k: 'v', other: 'o' } } as unknown as ConfigMap) : undefined,
    secret: async (_namespace: string, name: string) =>
      name === 's' ? ({ data: { p: base64('secret') } } as unknown as Secret) : undefined,
  };
  const environment = (container: Partial<Container>): Promise<Record<string, string>> =>
    containerEnvironment({
      pod: podOf({}),
      container: { name: 'c', ...container },
      facts,
      sources,
      volumeFile: async (volume, path) => (volume === 'v' && path === 'f' ? "# x\nA='1'\nB=2" : undefined),
    });

  test('come from envFrom, then env, each seeing those before', async () => {
    expect(
      await environment({
        envFrom: [{ prefix: 'C_', configMapRef: { name: 'cm' } }, { secretRef: { name: 's' } }],
        env: [
          { name: 'X', value: '$(C_k)-$(p)-$(LATER)' },
          { name: 'LATER', value: 'l' },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'K', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } },
          { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'p' } } },
          { name: 'F', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'f', key: 'A' } } },
          { name: 'NO', valueFrom: { secretKeyRef: { name: 'none', key: 'p', optional: true } } },
        ],
      }),
    ).toEqual({
      C_k: 'v',
      C_other: 'o',
      p: 'secret',
      X: 'v-secret-$(LATER)',
      LATER: 'l',
      IP: '10.0.0.1',
      K: 'v',
      S: 'secret',
      F: '1',
    });
  });

  test.each([
    [{ configMapKeyRef: { name: 'none', key: 'k' } }, 'configmap "none" not found'],
    [{ configMapKeyRef: { name: 'cm', key: 'x' } }, "couldn't find key x in ConfigMap ns/cm"],
    [{ secretKeyRef: { name: 's', key: 'x' } }, "couldn't find key x in Secret ns/s"],
    [{ fieldRef: { fieldPath: 'spec.nope' } }, 'unsupported fieldPath: spec.nope'],
  ])('that cannot be had say why', async (valueFrom, message) => {
    await expect(environment({ env: [{ name: 'A', valueFrom }] })).rejects.toThrow(message);
  });

  test('files of variables are read line by line', () => {
    expect(parseEnvFile("A=1\n\n# c\nB='x y'\nnope\nC=a=b")).toEqual({ A: '1', B: 'x y', C: 'a=b' });
  });
});

describe('back-off', () => {
  test('is nothing, then the base, then doubles up to the most, and starts anew after a long run', () => {
    const backOff = new BackOff({ baseMs: 10, mostMs: 35 });
    const delays = [backOff.delayOf('k')];
    for (let i = 0; i < 4; i++) {
      backOff.restarted('k', 0, 1);
      delays.push(backOff.delayOf('k'));
    }
    backOff.restarted('k', 0, 71);
    delays.push(backOff.delayOf('k'));
    expect(delays).toEqual([0, 10, 20, 35, 35, 10]);
    expect(backOff.until('k', 100)).toBe(110);
  });
});

describe('decisions', () => {
  const exited = (exitCode: number): ContainerView => ({
    state: { phase: 'exited', startedAt: 0, finishedAt: 1, exitCode, reason: 'Error' },
    id: 'x',
    attempt: 0,
    started: false,
    ready: false,
  });
  const starts = (pod: Pod, views: Record<string, ContainerView>): string[] =>
    decide(pod, new Map(Object.entries(views)), 10, () => undefined).start.map(
      ({ container, attempt }) => `${container.name}/${attempt}`,
    );
  const one = (more: object): Pod => podOf({ containers: [{ name: 'a', ...more } as Container] });

  test.each([
    ['Always', 0, ['a/1']],
    ['OnFailure', 0, []],
    ['OnFailure', 1, ['a/1']],
    ['Never', 1, []],
  ])('restart policy %s after exit code %i', (restartPolicy, code, expected) => {
    const pod = { ...one({}), spec: { restartPolicy, containers: [{ name: 'a' }] } };
    expect(starts(pod, { a: exited(code) })).toEqual(expected);
  });

  test("a container's own rules come before the pod's policy", () => {
    const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
    const pod = one({ restartPolicy: 'Never', restartPolicyRules: rules });
    expect(starts(pod, { a: exited(42) })).toEqual(['a/1']);
    expect(starts(pod, { a: exited(1) })).toEqual([]);
  });

  test('init containers are not run again once the apps have begun', () => {
    const pod = podOf({ initContainers: [{ name: 'i' }], containers: [{ name: 'a' }] });
    expect(starts(pod, { a: exited(1) })).toEqual(['a/1']);
  });

  test('held back containers start when their time has come', () => {
    const held = decide(one({}), new Map([['a', exited(1)]]), 10, () => 11);
    expect(held.start).toEqual([]);
    expect(held.backOff.get('a')).toBe(11);
    expect(decide(one({}), new Map([['a', exited(1)]]), 11, () => 11).start).toHaveLength(1);
  });
});
