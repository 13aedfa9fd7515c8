/** What a run knows of each job that has been submitted, as columns that grow. */
import type { JobColumns, Outcome } from '../model/result.ts';
import { outcomes } from '../model/result.ts';

const first = 1024;

export const outcomeOf = Object.fromEntries(outcomes.map((name, i) => [name, i])) as Record<Outcome, number>;

export class JobTable {
  length = 0;
  readonly ids: string[] = [];
  readonly tenants: string[] = [];
  readonly #tenantIds = new Map<string, number>();
  tenant = new Uint32Array(first);
  submitMs = new Float64Array(first);
  startMs = new Float64Array(first);
  endMs = new Float64Array(first);
  idealMs = new Float64Array(first);
  waitMs = new Float64Array(first);
  lostMs = new Float64Array(first);
  gpuMilli = new Float64Array(first);
  cpuMilli = new Float64Array(first);
  pods = new Uint32Array(first);
  restarts = new Uint32Array(first);
  outcome = new Uint8Array(first);

  /** Answers the new job's number. */
  add(id: string, tenant: number, submitMs: number, idealMs: number): number {
    const index = this.length++;
    if (index === this.tenant.length) this.#grow();
    this.ids.push(id);
    this.tenant[index] = tenant;
    this.submitMs[index] = submitMs;
    this.startMs[index] = NaN;
    this.endMs[index] = NaN;
    this.idealMs[index] = idealMs;
    return index;
  }

  tenantId(name: string): number {
    let id = this.#tenantIds.get(name);
    if (id === undefined) {
      id = this.tenants.length;
      this.tenants.push(name);
      this.#tenantIds.set(name, id);
    }
    return id;
  }

  #grow(): void {
    const capacity = this.tenant.length * 2;
    for (const name of columns) {
      const before = this[name];
      const wider = new (before.constructor as Float64ArrayConstructor)(capacity);
      wider.set(before);
      (this as unknown as Record<string, ArrayLike<number>>)[name] = wider;
    }
  }

  /** What has been noted so far. The columns are copies. */
  columns(): JobColumns {
    const result: Record<string, unknown> = { ids: this.ids.slice(), tenants: this.tenants.slice() };
    for (const name of columns) result[name] = this[name].slice(0, this.length);
    return result as unknown as JobColumns;
  }

  restore(saved: JobColumns): void {
    this.length = saved.ids.length;
    for (const id of saved.ids) this.ids.push(id);
    for (const name of saved.tenants) this.tenantId(name);
    while (this.tenant.length < this.length) this.#grow();
    for (const name of columns) this[name].set(saved[name]);
  }
}

const columns = [
  'tenant',
  'submitMs',
  'startMs',
  'endMs',
  'idealMs',
  'waitMs',
  'lostMs',
  'gpuMilli',
  'cpuMilli',
  'pods',
  'restarts',
  'outcome',
] as const;
