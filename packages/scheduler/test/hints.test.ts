import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createFramework,
  createQueue,
  createSnapshot,
  defaultProfile,
  Nominations,
  type PodInfo,
  type Unit,
} from '../src/core/index.ts';
import { Hints } from '../src/core/hints.ts';
import { node, pod } from './objects.ts';

const nodeCount = 5;
const waiting = fc.record({
  cpu: fc.constantFrom('1', '2', '3'),
  priority: fc.constantFrom(0, 5),
  nominated: fc.constantFrom(undefined, undefined, 0, 1, 2, 3),
  evicting: fc.boolean(),
  wide: fc.constantFrom(false, false, false, false, true),
  /** Asks for distance: no other is its equal. */
  alone: fc.constantFrom(false, false, false, true),
});
const running = fc.record({
  on: fc.nat(nodeCount - 1),
  cpu: fc.constantFrom('1', '2'),
  priority: fc.constantFrom(0, 0, 9),
  leaving: fc.constantFrom('no', 'no', 'marked', 'gone'),
});
const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'far' } } },
      ],
    },
  },
};

test('hints wake whom a changed row may help, as asking every pod about every row does, and nobody else', () => {
  fc.assert(
    fc.property(
      fc.array(waiting, { minLength: 1, maxLength: 12 }),
      fc.array(running, { maxLength: 14 }),
      fc.uniqueArray(fc.nat(nodeCount - 1), { maxLength: 3 }),
      fc.boolean(),
      (pods, present, changed, nodeLost) => {
        const snapshot = createSnapshot();
        const nominations = new Nominations();
        const framework = createFramework({
          profile: defaultProfile(),
          snapshot,
          random: () => 0,
          nominations,
        });
        for (let i = 0; i < nodeCount; i++) snapshot.setNode(node(`n${i}`));
        const gone = new Set<string>();
        for (const [i, { on, cpu, priority, leaving }] of present.entries()) {
          const base = pod(`r${i}`, { requests: { cpu }, priority });
          const deletionTimestamp = '2026-01-01T00:00:00Z';
          const metadata = leaving === 'marked' ? { ...base.metadata, deletionTimestamp } : base.metadata;
          if (leaving === 'gone') gone.add(base.metadata.uid);
          snapshot.addPod(snapshot.describe({ ...base, metadata }, { placed: true }), `n${on}`);
        }
        const queue = createQueue();
        const evicting = new Set<string>();
        const hints = new Hints(
          queue,
          () => framework,
          (unit) => evicting.has(unit),
          (uid) => gone.has(uid),
        );
        const units: { unit: Unit; info: PodInfo; wide: boolean; alone: boolean }[] = [];
        for (const [i, { cpu, priority, nominated, wide, alone, ...rest }] of pods.entries()) {
          const spec = alone ? apart : {};
          const info = snapshot.describe(pod(`w${i}`, { requests: { cpu }, priority, spec }));
          const unit = queue.unit(`pod/${info.uid}`);
          unit.pods.set(info.uid, info);
          unit.ready = true;
          queue.changed(unit, 1, false);
          expect(queue.pop(1)).toBe(unit);
          if (nominated !== undefined) nominations.set(info, `n${nominated}`);
          if (rest.evicting) evicting.add(unit.key);
          queue.failed(unit, 1, new Set([wide ? 'InterPodAffinity' : 'NodeResourcesFit']));
          units.push({ unit, info, wide, alone });
        }
        if (nodeLost) {
          snapshot.removeNode('n3');
          hints.nodeGone('n3');
        }
        const rows = changed.flatMap((i) => snapshot.rowOf(`n${i}`) ?? []);
        for (const row of rows) hints.add(row);
        if (!hints.pending) return;
        const fits = (info: PodInfo): number[] => rows.filter((row) => framework.fitsOn(info, row));
        const expected = units.map(({ unit, info, wide }) => {
          const name = nominations.nodeOf(info.uid);
          const own = name === undefined ? undefined : snapshot.rowOf(name);
          const resumed = own !== undefined && fits(info).includes(own);
          const dying = (row: number): boolean =>
            snapshot
              .podsOn(row)
              .some(
                (p) =>
                  p.info.priority < info.priority &&
                  (p.info.pod.metadata.deletionTimestamp !== undefined || gone.has(p.info.uid)),
              );
          const lost =
            name !== undefined &&
            (own === undefined || (rows.includes(own) && !evicting.has(unit.key) && !dying(own)));
          const helped =
            wide || lost || (name === undefined && rows.some((row) => framework.mayHelp(info, row)));
          return { resumed, helped, others: name === undefined ? [] : fits(info).filter((r) => r !== own) };
        });
        hints.apply(2);
        const woken = units.map(({ unit }) => unit.state !== 'unschedulable');
        for (const [i, { resumed, helped, others }] of expected.entries()) {
          const { unit } = units[i]!;
          if (resumed) expect(unit.state).toBe('active');
          else if (helped) expect(woken[i]).toBe(true);
          else if (others.length === 0) expect(woken[i]).toBe(false);
          else if (!woken[i]) {
            // It would fit on rows it does not wait for: an equal pod has been woken for each of them.
            const { info, alone } = units[i]!;
            expect(alone).toBe(false);
            const equals = units.filter(
              (u, j) => woken[j] && u.info.signature === info.signature && u.info.priority === info.priority,
            );
            expect(equals.length).toBeGreaterThanOrEqual(others.length > 0 ? 1 : 0);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});
