/** How fast inputs are made and read: node packages/simulator/bench/inputs.ts [JOBS]. CPU time, and memory at the end. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, readInput, writeSwf } from '../src/inputs/index.ts';
import { Recorder } from '../src/recording/index.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'coracle-inputs-bench-'));

function measured(name: string, work: () => string): void {
  const before = process.cpuUsage();
  const about = work();
  const { user, system } = process.cpuUsage(before);
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  console.log(
    `${name.padEnd(44)} ${((user + system) / 1e6).toFixed(2).padStart(7)} s CPU  ${megabytes(process.memoryUsage().rss).padStart(9)} resident  ${about}`,
  );
}

function written(name: string, lines: Iterable<string>): string {
  const path = join(folder, name);
  let part = '';
  writeFileSync(path, '');
  for (const line of lines) {
    part += line;
    if (part.length > 1 << 20) {
      writeFileSync(path, part, { flag: 'a' });
      part = '';
    }
  }
  writeFileSync(path, part, { flag: 'a' });
  return path;
}
const read = (path: string): string => {
  const { workload } = readInput({ path });
  return `${workload!.count} jobs, ${(statSync(path).size / 2 ** 20).toFixed(0)} MiB`;
};

try {
  measured(`generate ${count} jobs, one by one`, () => {
    let last = 0;
    for (const { submitMs } of generate({ jobs: count, arrivals: { process: 'diurnal' } }).jobs())
      last = submitMs;
    return `${(last / 86_400_000).toFixed(0)} days`;
  });
  const small = written('small.swf', writeSwf(generate({ jobs: 18_000, sizes: [{ cpu: 16 }] })));
  measured('read an SWF log of 18,000 jobs', () => read(small));
  const swf = written('large.swf', writeSwf(generate({ jobs: count, sizes: [{ cpu: 16 }] })));
  measured(`read an SWF log of ${count} jobs`, () => read(swf));
  const helios = written('helios.csv', heliosLines());
  measured(`read a Helios log of ${count} jobs`, () => read(helios));
  const recording = written('recording.jsonl', recordingLines(Math.min(count, 200_000)));
  measured(`read a recording of ${Math.min(count, 200_000)} pods`, () => read(recording));
} finally {
  rmSync(folder, { recursive: true });
}

function* heliosLines(): Generator<string> {
  yield 'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n';
  for (const { id, tenant, submitMs, runMs } of generate({ jobs: count }).jobs()) {
    const time = (ms: number): string => new Date(1.6e12 + ms).toISOString().slice(0, 19).replace('T', ' ');
    const [start, end] = [time(submitMs), time(submitMs + runMs)];
    yield `${id.slice(4)},u,${tenant},8,32,1,COMPLETED,${start},${start},${end},${Math.round(runMs / 1000)},0\n`;
  }
}

function* recordingLines(pods: number): Generator<string> {
  const lines: string[] = [];
  const recorder = new Recorder({ write: (line) => lines.push(`${JSON.stringify(line)}\n`) });
  recorder.begin(0);
  recorder.listed(0);
  for (let i = 0; i < pods; i++) {
    for (const [t, phase] of [
      [i * 1000, 'Pending'],
      [i * 1000 + 5000, 'Running'],
      [i * 1000 + 60_000, 'Succeeded'],
    ] as const) {
      recorder.pod(t, podOf(i, phase));
    }
    recorder.podGone(i * 1000 + 90_000, `uid-${i}`);
    yield* lines.splice(0);
  }
}

function podOf(i: number, phase: string): Parameters<Recorder['pod']>[1] {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${i}`,
      namespace: 'ml',
      uid: `uid-${i}`,
      creationTimestamp: new Date(i * 1000).toISOString(),
      labels: { app: 'a', 'job-name': `job-${i}` },
    },
    spec: {
      containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '4', memory: '8Gi' } } }],
    },
    status: { phase },
  } as unknown as Parameters<Recorder['pod']>[1];
}
