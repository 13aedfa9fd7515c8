/**
 * Virtual nodes and their pods as kwok's Stages say: installs the kind, follows the Stages, and plays them. Loaded only where
 * there are virtual nodes.
 */
import type { Client } from '@coracle/client';
import { isReason, type KubeObject } from '@coracle/machinery';
import { CustomResourceDefinition, Node, Pod } from '@coracle/machinery/api';
import type { Clock, EventRecorder, InformerFactory, Logger } from '@coracle/operator';
import type { ChanceOf } from '../chance.ts';
import type { Writes } from '../writes.ts';
import { stageCrd } from './crd.ts';
import { followStages } from './stage-objects.ts';
import { StagePlayer, type StagePlayerOptions } from './stage-player.ts';
import { Stage } from './stage-type.ts';

export interface StageLifeOptions {
  client: Client;
  informers: InformerFactory;
  clock: Clock;
  logger: Logger;
  recorder: EventRecorder | undefined;
  chance: ChanceOf;
  writes: Writes;
  nodeIP(nodeName: string): string;
  podIP(pod: Pod): string;
  /** Whether there are Stages for pods has changed. */
  podsChanged(staged: boolean): void;
  nodesChanged(staged: boolean): void;
}

export interface StageLife {
  readonly pods: StagePlayer<Pod>;
  readonly nodes: StagePlayer<Node>;
  stop(): void;
}

/** Complaints kept, so that each is told once; beyond it they are told again. */
const mostTold = 1000;

/** Resolves when the Stages there are have been read and `podsChanged` and `nodesChanged` called if there are any. */
export async function startStageLife(options: StageLifeOptions): Promise<StageLife> {
  const { client, clock, chance, writes, logger, recorder, nodeIP, podIP } = options;
  const startedAt = clock.now();
  await install(client);
  const about = { nodePort: 0, startedAt, nodeIP };
  const told = new Set<string>();
  const warn = (stage: { name: string; uid?: string }, reason: string, message: string): void => {
    const key = `${stage.uid ?? stage.name} ${message}`;
    if (told.has(key)) return;
    if (told.size >= mostTold) told.clear();
    told.add(key);
    logger.warn({ stage: stage.name, problem: message }, 'a Stage cannot be played as it is written');
    const reference = { apiVersion: 'kwok.x-k8s.io/v1alpha1', kind: 'Stage', ...stage };
    recorder?.event(reference, 'Warning', reason, message);
  };
  const informer = options.informers.informer(Stage);
  const common = {
    client,
    clock,
    chance,
    writes,
    event: (
      object: KubeObject,
      { type, reason = '', message = '' }: { type?: string; reason?: string; message?: string },
    ) => recorder?.event(object, type === 'Warning' ? 'Warning' : 'Normal', reason, message),
    failed: (name: string, object: KubeObject, why: string) => {
      const uid = informer.get(name)?.metadata.uid;
      const { namespace, name: of } = object.metadata;
      const where = namespace === undefined ? of : `${namespace}/${of}`;
      // The same for thousands of objects is told of the first.
      const key = `${name} ${why}`;
      if (told.has(key)) return;
      told.add(key);
      const stage = { name, ...(uid === undefined ? {} : { uid }) };
      warn(stage, 'StageFailed', `on ${object.kind ?? ''} ${where}: ${why}`);
    },
  } satisfies Omit<StagePlayerOptions<KubeObject>, 'type' | 'surroundings'>;
  const pods = new StagePlayer<Pod>({
    ...common,
    type: Pod,
    surroundings: (pod, random) => ({
      ...about,
      random,
      now: clock.now(),
      nodeName: pod.spec?.nodeName ?? '',
      podIP: () => podIP(pod),
    }),
  });
  const nodes = new StagePlayer<Node>({
    ...common,
    type: Node,
    surroundings: (node, random) => ({
      ...about,
      random,
      now: clock.now(),
      nodeName: node.metadata.name,
      podIP: () => nodeIP(node.metadata.name),
    }),
  });
  const staged = { Pod: false, Node: false };
  const undo = followStages({
    informer,
    warn: (stage, problem) =>
      warn({ name: stage.metadata.name, uid: stage.metadata.uid ?? '' }, 'StageNotUnderstood', problem),
    changed(kind, stages) {
      (kind === 'Pod' ? pods : nodes).setStages(stages ?? []);
      if (staged[kind] === (stages !== undefined)) return;
      staged[kind] = stages !== undefined;
      if (kind === 'Pod') options.podsChanged(staged.Pod);
      else options.nodesChanged(staged.Node);
    },
  });
  await options.informers.start();
  await informer.ready();
  return {
    pods,
    nodes,
    stop() {
      undo();
      pods.clear();
      nodes.clear();
    },
  };
}

async function install(client: Client): Promise<void> {
  try {
    await client.create(CustomResourceDefinition, stageCrd() as CustomResourceDefinition);
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}
