/** Writes a workload in the Standard Workload Format, version 2.2, for other simulators. */
import type { Job, Workload } from '../model/job.ts';

export interface SwfWriteOptions {
  /** Name and value of comments: MaxProcs, MaxNodes, UnixStartTime, Computer. */
  readonly header?: Readonly<Record<string, string | number>>;
  /** Processors of a job. Default: cores of its pods, by requests, each pod's rounded up; 1 for a pod that asks for none. */
  readonly processors?: (job: Job) => number;
}

/** Lines with their ends. Jobs whose id is no whole number are numbered by their place; tenants by the order in which they come. */
export function* writeSwf(
  workload: Workload,
  options: SwfWriteOptions = {},
): Generator<string, void, undefined> {
  const { header = {}, processors = coresOf } = options;
  yield '; Version: 2.2\n';
  for (const [name, value] of Object.entries(header)) {
    for (const line of String(value).split('\n')) yield `; ${name}: ${line}\n`;
  }
  const users = new Map<string, number>();
  let place = 0;
  for (const job of workload.jobs()) {
    place += 1;
    const about = (name: string): number => {
      const value = job.about?.[name];
      return typeof value === 'number' ? value : -1;
    };
    const [, known] = /^user-(\d+)$/.exec(job.tenant) ?? [];
    let user = known === undefined ? users.get(job.tenant) : Number(known);
    if (job.tenant === 'unknown') user = -1;
    if (user === undefined) users.set(job.tenant, (user = users.size + 1));
    const asked = processors(job);
    const fields = [
      /^\d{1,15}$/.test(job.id) ? Number(job.id) : place,
      seconds(job.submitMs),
      about('waitSeconds'),
      seconds(job.runMs),
      asked,
      -1,
      -1,
      asked,
      job.estimateMs === undefined ? -1 : seconds(job.estimateMs),
      -1,
      { succeeded: 1, failed: 0, cancelled: 5 }[job.ends ?? 'succeeded'],
      user,
      about('group'),
      about('app'),
      about('queue'),
      about('partition'),
      about('preceding'),
      about('thinkSeconds'),
    ];
    yield `${fields.join(' ')}\n`;
  }
}

/** To the millisecond; what never ends has an unknown run time. */
function seconds(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms) / 1000 : -1;
}

function coresOf(job: Job): number {
  let all = 0;
  for (const { count, template } of job.podSets) {
    let milli = 0;
    for (const { resources } of template.spec.containers) {
      const cpu = resources?.requests?.['cpu'];
      if (cpu !== undefined) milli += cpu.endsWith('m') ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
    }
    all += count * Math.max(1, Math.ceil(milli / 1000));
  }
  return all;
}
