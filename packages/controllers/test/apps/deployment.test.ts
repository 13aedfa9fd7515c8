import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Deployment, Pod, ReplicaSet } from '@coracle/machinery/api';
import { planRollout } from '../../src/apps/deployment/rollout.ts';
import { templateHash } from '../../src/apps/deployment/replica-sets.ts';
import { deploymentController, replicaSetController } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';

const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image }] },
});
const deployment = (spec: object = {}) =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 1 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: template('a'),
      progressDeadlineSeconds: 600,
      ...spec,
    },
  }) as unknown as Deployment;

describe('roll-out', () => {
  /** Runs plans and plays the ReplicaSet controller, whose pods become available one by one. */
  class Model {
    sets: ReplicaSet[] = [];
    serial = 0;
    deployment: Deployment;
    constructor(spec: object) {
      this.deployment = deployment(spec);
    }
    total = () => this.sets.reduce((n, s) => n + (s.spec?.replicas ?? 0), 0);
    available = () => this.sets.reduce((n, s) => n + (s.status?.availableReplicas ?? 0), 0);
    /** Carries out one plan; false: there was nothing to do. */
    step(): boolean {
      const plan = planRollout({ deployment: this.deployment, sets: this.sets, oldPodsRunning: false });
      if (plan.create) {
        this.serial += 1;
        const creationTimestamp = new Date(this.serial * 1000).toISOString();
        const metadata = { ...plan.create.metadata, uid: `s${this.serial}`, creationTimestamp };
        this.sets.push({ ...plan.create, metadata } as unknown as ReplicaSet);
      }
      for (const { set, replicas, annotations } of plan.change) {
        const available = Math.min(replicas, set.status?.availableReplicas ?? 0);
        this.sets[this.sets.indexOf(set)] = {
          ...set,
          metadata: { ...set.metadata, annotations },
          spec: { ...set.spec!, replicas },
          status: { replicas, availableReplicas: available, readyReplicas: available },
        };
      }
      if (plan.revision) {
        const annotations = { 'deployment.kubernetes.io/revision': plan.revision };
        this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations } };
      }
      this.sets = this.sets.filter((s) => !plan.remove.includes(s));
      return Boolean(plan.create ?? plan.revision) || plan.change.length + plan.remove.length > 0;
    }
    /** One more pod of some set becomes available. */
    grow(pick: number): boolean {
      const short = this.sets.filter((s) => (s.status?.availableReplicas ?? 0) < (s.spec?.replicas ?? 0));
      const set = short[pick % Math.max(1, short.length)];
      if (!set) return false;
      const availableReplicas = (set.status?.availableReplicas ?? 0) + 1;
      this.sets[this.sets.indexOf(set)] = { ...set, status: { ...set.status!, availableReplicas } };
      return true;
    }
    settle(): void {
      for (let i = 0; i < 500; i += 1) if (!this.step() && !this.grow(0)) return;
      throw new Error('the roll-out does not come to rest');
    }
  }
  const sizes = (model: Model) => model.sets.map((s) => s.spec?.replicas);

  test('a first set of all replicas, then one more for each template; the old ones keep their history', () => {
    const model = new Model({ revisionHistoryLimit: 1 });
    model.settle();
    expect(sizes(model)).toEqual([3]);
    for (const image of ['b', 'c']) {
      model.deployment = deployment({ template: template(image), revisionHistoryLimit: 1 });
      model.settle();
    }
    expect(sizes(model)).toEqual([0, 3]);
    expect(model.sets.map((s) => s.metadata.annotations?.['deployment.kubernetes.io/revision'])).toEqual([
      '2',
      '3',
    ]);
  });

  test('back to an earlier template: its set is used again, with a new revision', () => {
    const model = new Model({});
    model.settle();
    model.deployment = deployment({ template: template('b') });
    model.settle();
    model.deployment = deployment();
    model.settle();
    expect(sizes(model)).toEqual([3, 0]);
    expect(model.sets[0]?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
  });

  test('paused: scaled, but not rolled out', () => {
    const model = new Model({});
    model.settle();
    model.deployment = deployment({ template: template('b'), paused: true, replicas: 5 });
    model.settle();
    expect(sizes(model)).toEqual([5]);
  });

  test('Recreate: nothing new before the old pods are gone', () => {
    const strategy = { type: 'Recreate' };
    const model = new Model({ strategy });
    model.settle();
    const next = deployment({ strategy, template: template('b') });
    const first = planRollout({ deployment: next, sets: model.sets, oldPodsRunning: true });
    expect(first.change.map((c) => c.replicas)).toEqual([0]);
    expect(first.create).toBeUndefined();
    model.deployment = next;
    model.step();
    expect(planRollout({ deployment: next, sets: model.sets, oldPodsRunning: true })).toEqual({
      change: [],
      remove: [],
    });
    model.settle();
    expect(sizes(model)).toEqual([0, 3]);
  });

  test('any changes in any order: never too many pods, never too few, and it comes to its end', () => {
    const change = fc.record({
      image: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
      progress: fc.array(fc.nat(9), { maxLength: 12 }),
    });
    const limit = fc.oneof(fc.nat(3), fc.constantFrom('0%', '25%', '50%', '100%'));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        limit,
        limit,
        fc.array(change, { maxLength: 6 }),
        (replicas, maxSurge, maxUnavailable, changes) => {
          const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
          const model = new Model({ replicas, strategy });
          model.settle();
          const part = (value: number | string, up: boolean) =>
            typeof value === 'number'
              ? value
              : Math[up ? 'ceil' : 'floor']((Number.parseInt(value, 10) * replicas) / 100);
          const surge = part(maxSurge, true);
          const unavailable = part(maxUnavailable, false);
          const fewest = replicas - (surge === 0 && unavailable === 0 ? 1 : unavailable);
          const check = (): void => {
            expect(model.total()).toBeLessThanOrEqual(replicas + surge);
            expect(model.available()).toBeGreaterThanOrEqual(Math.max(0, fewest));
          };
          let image = 'a';
          for (const { image: next, progress } of changes) {
            image = next ?? image;
            model.deployment = deployment({ replicas, strategy, template: template(image) });
            for (const pick of progress) {
              model.step();
              check();
              model.grow(pick);
            }
          }
          for (let i = 0; i < 300 && (model.step() || model.grow(i)); i += 1) check();
          const left = model.sets.filter((s) => s.spec?.replicas);
          expect(left).toHaveLength(1);
          expect(left[0]?.spec?.template?.spec?.containers[0]?.image).toBe(image);
          expect(model.available()).toBe(replicas);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the hash of a template does not depend on the order of its fields', () => {
    const a = template('a') as never;
    expect(templateHash({ spec: a['spec'], metadata: a['metadata'] }, 0)).toBe(templateHash(a, 0));
    expect(templateHash(a, 1)).not.toBe(templateHash(a, 0));
  });
});

const status = (l: Lab) => l.cluster.object(Deployment, 'web', 'default')?.status;

const condition = (l: Lab, type: string) => status(l)?.conditions?.find((c) => c.type === type);

describe('Deployment controller on a cluster', () => {
  const where = { namespace: 'default' };
  /** Every pod becomes ready. */
  const kubelet = (l: Lab): void => {
    const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
    l.deps.informers.informer(Pod).on({
      add: ({ metadata: { name } }) =>
        void l.cluster.client
          .patch(Pod, name, 'merge', body, { ...where, subresource: 'status' })
          .catch(() => {}),
    });
  };

  test('rolls out, says so, and rolls on to the next template', async () => {
    const l = lab({ objects: [deployment()] });
    kubelet(l);
    await l.start(deploymentController(l.deps), replicaSetController(l.deps));
    await l.until(() => condition(l, 'Progressing')?.reason === 'NewReplicaSetAvailable');
    expect(status(l)).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
    });
    expect(condition(l, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    const [first] = l.cluster.objects(ReplicaSet);
    const hash = first!.metadata.labels?.['pod-template-hash'];
    expect(first!.metadata.name).toBe(`web-${hash}`);
    expect(first!.spec?.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(l.events).toContain(`ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`);
    expect(l.cluster.objects(Pod)[0]?.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash });

    await l.cluster.client.patch(Deployment, 'web', 'merge', { spec: { template: template('b') } }, where);
    await l.until(() => l.cluster.objects(Pod).every((p) => p.spec?.containers[0]?.image === 'b'));
    await l.until(() => status(l)?.updatedReplicas === 3 && status(l)?.availableReplicas === 3);
    await l.until(
      () =>
        l.cluster.object(Deployment, 'web', 'default')?.metadata.annotations?.[
          'deployment.kubernetes.io/revision'
        ] === '2',
    );
    await l.rest();
    expect(l.cluster.objects(Pod)).toHaveLength(3);
  });

  test('no progress within the deadline is told', async () => {
    const l = lab({ objects: [deployment({ progressDeadlineSeconds: 30 })] });
    await l.start(deploymentController(l.deps), replicaSetController(l.deps));
    await l.until(() => condition(l, 'Progressing')?.reason === 'ReplicaSetUpdated');
    await l.rest();
    await l.clock.advance(31_000);
    await l.until(() => condition(l, 'Progressing')?.reason === 'ProgressDeadlineExceeded');
    expect(condition(l, 'Available')?.status).toBe('False');
  });

  test('scaled up and down', async () => {
    const l = lab({ objects: [deployment()] });
    kubelet(l);
    await l.start(deploymentController(l.deps), replicaSetController(l.deps));
    for (const replicas of [5, 1, 0, 2]) {
      await l.cluster.client.patch(Deployment, 'web', 'merge', { spec: { replicas } }, where);
      await l.until(
        () => status(l)?.availableReplicas === replicas && l.cluster.objects(Pod).length === replicas,
      );
    }
    expect(l.cluster.objects(ReplicaSet)).toHaveLength(1);
  });
});
