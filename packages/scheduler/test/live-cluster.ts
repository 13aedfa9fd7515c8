/** A live scheduler on a cluster in memory. */
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { Node, Pod, PodGroup, PriorityClass } from '@coracle/machinery/api';
import { createInformerFactory, manualClock, silentLogger, type ManualClock } from '@coracle/operator';
import { fakeCluster, type FakeCluster } from '@coracle/operator/testing';
import { createScheduler, type Scheduler, type SchedulerConfig } from '../src/index.ts';
import { coschedulingGroups } from '../src/live/group-kinds/coscheduling.ts';
import { volcanoGroups } from '../src/live/group-kinds/volcano.ts';

export const CoschedulingGroup = coschedulingGroups.type;
export const VolcanoGroup = volcanoGroups.type;

export interface LiveEvent {
  readonly about: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export interface LiveCluster {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  readonly scheduler: Scheduler;
  readonly events: LiveEvent[];
  create(...objects: KubeObject[]): Promise<void>;
  pod(name: string): Pod | undefined;
  nodeOf(name: string): string | undefined;
  /** The pod's PodScheduled condition. */
  condition(name: string): { status: string; reason?: string; message?: string } | undefined;
  /** Its message. */
  why(name: string): string | undefined;
  /** Waits until the scheduler has nothing left to do at this time. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const types: readonly ResourceType[] = [CoschedulingGroup, VolcanoGroup];

export function inMemory(objects: object[] = [], kinds: readonly ResourceType[] = types): FakeCluster {
  return fakeCluster({ objects, types: kinds });
}

export async function live(
  cluster: FakeCluster,
  config: SchedulerConfig = {},
  clock: ManualClock = manualClock(),
): Promise<LiveCluster> {
  const { client } = cluster;
  const informers = createInformerFactory({ client, clock, logger: silentLogger });
  const events: LiveEvent[] = [];
  const scheduler = createScheduler({
    client,
    informers,
    clock,
    random: () => 0,
    recorder: {
      event(about, type, reason, message) {
        const name = 'metadata' in about ? about.metadata.name : about.name;
        events.push({ about: `${about.kind}/${name}`, type, reason, message });
      },
    },
    logger: silentLogger,
    config,
  });
  await scheduler.start();
  const pod = (name: string): Pod | undefined => cluster.object<Pod>(Pod, name, 'default');
  const condition: LiveCluster['condition'] = (name) =>
    pod(name)?.status?.conditions?.find((c) => c.type === 'PodScheduled') as ReturnType<typeof condition>;
  return {
    cluster,
    clock,
    scheduler,
    events,
    pod,
    nodeOf: (name) => pod(name)?.spec?.nodeName,
    condition,
    why: (name) => condition(name)?.message,
    async create(...given) {
      for (const object of given) {
        const known = [...types, Pod, Node, PodGroup, PriorityClass] as ResourceType<KubeObject>[];
        const type = known.find(
          (t) =>
            t.kind === object.kind && object.apiVersion === (t.group ? `${t.group}/${t.version}` : t.version),
        )!;
        await client.create(type, object, { namespace: object.metadata.namespace });
      }
    },
    async settled() {
      for (let quiet = 0; quiet < 4; quiet++) {
        for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
        const { active, assumed } = scheduler.counts();
        if (active > 0 || assumed > 0) quiet = -1;
      }
    },
    async stop() {
      await scheduler.stop();
      informers.stop();
    },
  };
}
