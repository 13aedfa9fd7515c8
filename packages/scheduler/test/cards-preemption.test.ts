/** Preemption looks at a node with pods gone and back again: pods that run keep their cards through that. */
import type { Node, Pod } from '@coracle/machinery/api';
import { expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  scheduleOne,
} from '../src/core/index.ts';

const resources = { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' };

test('parts of cards stay on their cards when a preemption is tried, and the victims are who must go', () => {
  const snapshot = createSnapshot();
  snapshot.setNode({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    status: { capacity: resources, allocatable: resources },
  } as unknown as Node);
  const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
  const describePod = (
    name: string,
    cards: { whole: number } | { half: true },
    priority: number,
    start = 0,
  ) => {
    const half = 'half' in cards;
    const annotations = { 'alibabacloud.com/gpu-count': '1', 'alibabacloud.com/gpu-milli': '500' };
    const requests = { cpu: '1', ...(half ? {} : { 'nvidia.com/gpu': String(cards.whole) }) };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'd', uid: name, ...(half ? { annotations } : {}) },
      spec: { containers: [{ name: 'c', image: 'x', resources: { requests } }] },
      status: { startTime: `2026-01-01T00:00:0${start}Z` },
    };
    return snapshot.describe(pod as unknown as Pod, { priority });
  };
  const put = (pod: ReturnType<typeof describePod>): void => {
    const decision = scheduleOne(framework, pod);
    expect(decision.fits).toBe(true);
    if (decision.fits) for (const { settle } of decision.reservations ?? []) settle?.();
  };
  // Two halves on the first card, one on the second; the first card loses one, six whole cards are taken: each half has a card.
  for (const name of ['a', 'gone', 'b']) put(describePod(name, { half: true }, 0));
  put(describePod('whole', { whole: 5 }, 0, 1));
  put(describePod('last', { whole: 1 }, 0, 2));
  snapshot.removePod('gone');
  const held = () => ['a', 'b'].map((uid) => snapshot.cards.heldBy(uid));
  expect(held()).toEqual([[0], [1]]);
  const urgent = describePod('urgent', { whole: 1 }, 100);
  const decision = framework.schedule(urgent);
  if (decision.fits) throw new Error('there is no whole card free');
  const found = findPreemption(framework, urgent, decision.diagnosis, { budgets: [], random: () => 0 });
  // Were the halves to share a card, nobody would have to go; they cannot move.
  expect('victims' in found && found.victims.pods.map(({ info }) => info.uid)).toEqual(['last']);
  expect(held()).toEqual([[0], [1]]);
});
