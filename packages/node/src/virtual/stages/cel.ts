/**
 * CEL in Stages: `self` is the object, as its kind's schema has it, with Kubernetes' libraries and kwok's `Now`, `Rand`, `SinceSecond`,
 * `UnixSecond` and `Quantity`. A field that is not set is an error, as in the expressions of Kubernetes: `has(self.status.podIP)` asks.
 */
import { createRegistry, type KubeObject } from '@coracle/machinery';
import {
  CelError,
  type CelObject,
  type CelProgram,
  type CelValue,
  compileCel,
  declare,
  Double,
  Duration,
  type Environment,
  environment,
  formatIssues,
  kubernetesLibraries,
  schemaView,
  Timestamp,
  Uint,
} from '@coracle/machinery/cel';
import { NotUnderstood } from './not-understood.ts';
import type { StageKind } from './stage-objects.ts';

/** When an object is looked at, and its chance: numbers in [0, 1). */
export interface Moment {
  now: number;
  random: () => number;
}

/** Undefined: it stops with an error, as where a field is not set. */
export type CelQuery = (object: KubeObject, moment: Moment) => CelValue | undefined;

const nanosecondsOf = (milliseconds: number): bigint => BigInt(Math.round(milliseconds)) * 1_000_000n;
const secondsOf = ({ nanos }: Timestamp): number => Number(nanos) / 1e9;

/** Expressions about objects of one kind. */
export class StageCel {
  readonly #environment: Environment;
  readonly #read: (object: KubeObject) => CelValue;
  /** Of the evaluation that goes on. Between evaluations there is none, so that nothing is worked out beforehand from it. */
  #current: Moment | undefined;

  constructor(kind: StageKind) {
    const schema = createRegistry().byKind('', 'v1', kind)?.schema;
    const view = schema && schemaView(schema, kind, false);
    if (!view) throw new Error(`there is no schema of ${kind}`);
    this.#read = (object) => view.read(object);
    const since = (object: CelObject): Double => {
      const metadata = object.field('metadata') as CelObject | undefined;
      const created = metadata?.field('creationTimestamp');
      if (!(created instanceof Timestamp)) throw new CelError('no such key: creationTimestamp');
      return new Double(this.#moment().now / 1000 - secondsOf(created));
    };
    const unix = (time: Timestamp): Double => new Double(secondsOf(time));
    const kwok = [
      declare('Now(): timestamp', () => new Timestamp(nanosecondsOf(this.#moment().now))),
      declare('Rand(): double', () => new Double(this.#moment().random())),
      declare('SinceSecond(dyn): double', since),
      declare('dyn.SinceSecond(): double', since),
      declare('UnixSecond(timestamp): double', unix),
      declare('timestamp.UnixSecond(): double', unix),
    ];
    const quantity = kubernetesLibraries.flat().find(({ name }) => name === 'quantity');
    if (quantity) kwok.push(declare('Quantity(string): Quantity', quantity.run as never));
    this.#environment = environment({
      variables: { self: view.type },
      libraries: [...kubernetesLibraries, kwok],
    });
  }

  /** `wanted`: what it must come out as. Throws NotUnderstood. */
  query(expression: string, wanted: readonly string[]): CelQuery {
    const program = this.#compile(expression);
    const { kind } = program.type;
    if (kind !== 'dyn' && !wanted.includes(kind))
      throw new NotUnderstood(`"${expression}" comes out as ${kind}; wanted is ${wanted.join(' or ')}`);
    return (object, moment) => {
      this.#current = moment;
      try {
        return program.evaluate({ self: this.#read(object) });
      } catch (error) {
        if (error instanceof CelError) return undefined;
        throw error;
      } finally {
        this.#current = undefined;
      }
    };
  }

  #moment(): Moment {
    if (this.#current === undefined) throw new CelError('there is no time between evaluations');
    return this.#current;
  }

  #compile(expression: string): CelProgram {
    const compiled = compileCel(expression, this.#environment);
    if (compiled.ok) return compiled.program;
    throw new NotUnderstood(formatIssues(expression, compiled.issues).split('\n')[0] ?? '');
  }
}

/** What a weight may come out as. */
export const wholeTypes = ['int', 'uint', 'double', 'bool', 'duration'];
/** What a delay may come out as; numbers are nanoseconds, as in Go. */
export const durationTypes = ['duration', 'timestamp', 'string', 'int', 'uint', 'double'];

/** A number as kwok reads one; undefined: it is none. */
export function celNumber(value: CelValue | undefined): number | undefined {
  if (value instanceof Double) return value.value;
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Duration) return Number(value.nanos);
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
