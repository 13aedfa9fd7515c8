/** From its binding until its containers run a pod holds its place, and does no work. */
import { expect, test } from 'vitest';
import { readInput, type Job } from '../src/index.ts';

const t = 1_800_000_000_000;
const pod = { uid: 'u', ns: 'team', name: 'p', created: t, template: 1 };

function jobsOf(...lines: object[]): Job[] {
  const all = [
    { coracleRecording: 1, t },
    { template: 1, value: { spec: { containers: [] } } },
    ...lines,
    { t: t + 100_000, end: true },
  ];
  const { workload } = readInput({
    texts: { 'a.jsonl': all.map((line) => JSON.stringify(line)).join('\n') },
  });
  return [...workload!.jobs()];
}

const ran = [
  { t: t + 30_000, pod: { uid: 'u', phase: 'Running', started: t + 30_000 } },
  { t: t + 90_000, pod: { uid: 'u', phase: 'Succeeded', ended: t + 90_000 } },
];

test('the time from the binding to the run is what the start costs, and no wait', () => {
  const came = { t: t + 1000, pod: { ...pod, created: t + 1000, phase: 'Pending' } };
  const bound = { t: t + 10_000, pod: { uid: 'u', node: 'n' } };
  const [job] = jobsOf({ t, listed: true }, came, bound, ...ran);
  expect(job).toMatchObject({ submitMs: 1000, startMs: 20_000, runMs: 60_000, about: { waitedMs: 9000 } });
});

test('of a pod that waited when the recording began, too; of one that was bound before nothing is known', () => {
  const there = { t, pod: { ...pod, created: t - 5000, phase: 'Pending' } };
  const bound = { t: t + 10_000, pod: { uid: 'u', node: 'n' } };
  expect(jobsOf(there, { t, listed: true }, bound, ...ran)[0]).toMatchObject({ startMs: 20_000 });
  const before = { t, pod: { ...there.pod, node: 'n' } };
  expect(jobsOf(before, { t, listed: true }, ...ran)[0]?.startMs).toBeUndefined();
});
