/** Whatever happens to pods, and whenever the controller is killed: each pod has its claim, and nobody keeps a device that nobody uses. */
import { Pod, ResourceClaim } from '@coracle/machinery/api';
import type { Component } from '@coracle/operator';
import { createInformerFactory, silentLogger } from '@coracle/operator';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resourceClaimController } from '../../src/index.ts';
import { lab, type Lab } from '../lab.ts';

const inA = { namespace: 'a' };
const template = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name: 'gpu', namespace: 'a' },
  spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } },
};
const finalizer = 'resource.kubernetes.io/delete-protection';
const allocation = { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] } };

type Action = { readonly do: 'create' | 'place' | 'finish' | 'delete' | 'restart'; readonly pod: number };
const action: fc.Arbitrary<Action> = fc.record({
  do: fc.constantFrom('create', 'create', 'place', 'place', 'finish', 'delete', 'restart'),
  pod: fc.nat(2),
});

class World {
  readonly l: Lab = lab({ objects: [template] as never });
  #controller: Component | undefined;
  #stopInformers = (): void => undefined;

  /** As if the process were killed and another started. */
  async restart(): Promise<void> {
    this.#stopInformers();
    await this.#controller?.stop();
    const { client, clock } = this.l.deps;
    const informers = createInformerFactory({ client, clock, logger: silentLogger });
    this.#stopInformers = () => informers.stop();
    this.#controller = resourceClaimController({ ...this.l.deps, informers });
    await Promise.all([informers.start(), this.#controller.start()]);
  }
  async stop(): Promise<void> {
    this.#stopInformers();
    await this.#controller?.stop();
  }
  pod(index: number): Pod | undefined {
    return this.l.cluster.object(Pod, `p${index}`, 'a');
  }
  claims(): ResourceClaim[] {
    return this.l.cluster.objects(ResourceClaim);
  }

  async run({ do: what, pod: index }: Action): Promise<void> {
    const { client } = this.l.cluster;
    const pod = this.pod(index);
    if (what === 'restart') return this.restart();
    if (what === 'create') {
      if (pod) return;
      const body = {
        metadata: { name: `p${index}` },
        spec: {
          containers: [{ name: 'c', image: 'i' }],
          resourceClaims: [{ name: 'card', resourceClaimTemplateName: 'gpu' }],
        },
      };
      await client.create(Pod, body as never, inA);
      return;
    }
    if (!pod) return;
    const { name } = pod.metadata;
    if (what === 'finish') {
      const done = { status: { phase: 'Succeeded' } };
      await client.patch(Pod, name, 'merge', done, { ...inA, subresource: 'status' });
    } else if (what === 'delete') await client.delete(Pod, name, { ...inA, gracePeriodSeconds: 0 });
    else await this.#place(pod);
  }
  /** What the scheduler does with a pod whose claim is there. */
  async #place(pod: Pod): Promise<void> {
    const { client } = this.l.cluster;
    const { name, uid } = pod.metadata;
    const named = pod.status?.resourceClaimStatuses?.[0]?.resourceClaimName;
    const claim = this.claims().find(({ metadata }) => metadata.name === named);
    if (
      !named ||
      !claim ||
      claim.status?.allocation ||
      pod.spec?.nodeName ||
      pod.status?.phase === 'Succeeded'
    )
      return;
    if (claim.metadata.deletionTimestamp !== undefined) return;
    await client.patch(ResourceClaim, named, 'merge', { metadata: { finalizers: [finalizer] } }, inA);
    const status = { allocation, reservedFor: [{ resource: 'pods', name, uid }] };
    await client.patch(ResourceClaim, named, 'merge', { status }, { ...inA, subresource: 'status' });
    await client.patch(Pod, name, 'merge', { spec: { nodeName: 'n' } }, inA);
  }
}

test('each pod has one claim, and claims of pods that are done or gone are free', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 4, maxLength: 14 }),
      fc.array(fc.boolean(), { maxLength: 14 }),
      async (actions, pauses) => {
        const world = new World();
        await world.restart();
        for (const [index, one] of actions.entries()) {
          await world.run(one);
          if (pauses[index]) await world.l.rest();
        }
        // Back-off of what met a conflict.
        await world.l.rest();
        await world.l.clock.advance(10_000);
        await world.l.rest();
        const claims = world.claims();
        const alive = [0, 1, 2].flatMap((index) => world.pod(index) ?? []);
        for (const pod of alive) {
          const own = claims.filter(
            ({ metadata }) => metadata.ownerReferences?.[0]?.uid === pod.metadata.uid,
          );
          if (pod.status?.phase === 'Succeeded') {
            expect(own).toEqual([]);
            continue;
          }
          expect(own).toHaveLength(1);
          expect(pod.status?.resourceClaimStatuses).toEqual([
            { name: 'card', resourceClaimName: own[0]?.metadata.name },
          ]);
          expect(own[0]?.status?.allocation !== undefined).toBe(pod.spec?.nodeName !== undefined);
        }
        // What pods left behind is the garbage collector's to delete, but holds no device.
        const uids = new Set(alive.map(({ metadata }) => metadata.uid));
        for (const claim of claims) {
          if (uids.has(claim.metadata.ownerReferences?.[0]?.uid ?? '')) continue;
          expect(claim.status ?? {}).toEqual({});
          expect(claim.metadata.finalizers ?? []).toEqual([]);
        }
        await world.stop();
      },
    ),
    { numRuns: 40 },
  );
});
