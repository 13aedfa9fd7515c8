import { Pod, PodGroup } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { podGroupProtection } from '../../src/index.ts';
import { lab, type Lab } from '../lab.ts';

const member = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'a' },
  spec: { containers: [], schedulingGroup: { podGroupName: 'g' } },
});
const group = (l: Lab): PodGroup | undefined => l.cluster.object<PodGroup>(PodGroup, 'g', 'a');

describe('pod group protection', () => {
  test('a group that is deleted goes when its last pod has ended or gone', async () => {
    const l = lab({
      objects: [
        {
          apiVersion: 'scheduling.k8s.io/v1alpha2',
          kind: 'PodGroup',
          metadata: { name: 'g', namespace: 'a', finalizers: ['scheduling.k8s.io/podgroup-protection'] },
          spec: { schedulingPolicy: { gang: { minCount: 2 } } },
        },
        member('p'),
        member('q'),
      ] as never,
    });
    await l.start(podGroupProtection(l.deps));
    await l.cluster.client.delete(PodGroup, 'g', { namespace: 'a' });
    await l.cluster.client.delete(Pod, 'q', { namespace: 'a' });
    await l.rest();
    expect(group(l)?.metadata.deletionTimestamp).toBeDefined();
    await l.cluster.client.patch(
      Pod,
      'p',
      'merge',
      { status: { phase: 'Succeeded' } },
      { namespace: 'a', subresource: 'status' },
    );
    await l.until(() => !group(l));
  });
});
