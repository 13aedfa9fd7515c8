import { describe, expect, test } from 'vitest';
import { ConfigMap, Namespace, ServiceAccount } from '@coracle/machinery/api';
import { rootCaPublisher, serviceAccountController } from '../../src/index.ts';
import { lab } from '../lab.ts';

const namespace = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, ...more },
});
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/hold'] };

const data = (l: ReturnType<typeof lab>) => l.cluster.object(ConfigMap, 'kube-root-ca.crt', 'a')?.data;

describe('default service account', () => {
  test('is made in each namespace in use, and made again when deleted', async () => {
    const l = lab({ objects: [namespace('a'), namespace('b', deleting)] });
    await l.start(serviceAccountController(l.deps));
    await l.until(() => l.cluster.object(ServiceAccount, 'default', 'a'));
    await l.cluster.client.create(Namespace, { metadata: { name: 'c' } });
    await l.until(() => l.cluster.object(ServiceAccount, 'default', 'c'));
    const { uid } = l.cluster.object(ServiceAccount, 'default', 'a')!.metadata;
    await l.cluster.client.delete(ServiceAccount, 'default', { namespace: 'a' });
    await l.until(() => l.cluster.object(ServiceAccount, 'default', 'a')?.metadata.uid !== uid);
    await l.until(() => l.cluster.object(ServiceAccount, 'default', 'a'));
    expect(l.cluster.object(ServiceAccount, 'default', 'b')).toBeUndefined();
  });
});

describe('root certificates', () => {
  test('are published, and put right when changed or deleted', async () => {
    const l = lab({ objects: [namespace('a')] });
    await l.start(rootCaPublisher(l.deps, 'PEM'));
    await l.until(() => data(l)?.['ca.crt'] === 'PEM');
    await l.cluster.client.patch(
      ConfigMap,
      'kube-root-ca.crt',
      'merge',
      { data: { 'ca.crt': 'forged', more: 'x' } },
      { namespace: 'a' },
    );
    await l.until(() => data(l)?.['ca.crt'] === 'PEM');
    expect(data(l)).toEqual({ 'ca.crt': 'PEM' });
    await l.cluster.client.delete(ConfigMap, 'kube-root-ca.crt', { namespace: 'a' });
    await l.until(() => data(l));
  });
});
