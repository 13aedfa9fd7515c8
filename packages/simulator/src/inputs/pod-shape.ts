/** From what an input says a pod asks for to templates that equal pods share. */
import { countAnnotation, milliAnnotation, modelAnnotation, wholeCardResource } from '@coracle/machinery';
import type { PodSet, PodTemplate } from '../model/job.ts';

/** What a pod asks for. */
export interface PodShape {
  /** Thousandths of a core. 0: nothing. */
  readonly cpuMilli?: number;
  /** Mebibytes. 0: nothing. */
  readonly memoryMib?: number;
  /** Cards. */
  readonly gpus?: number;
  /** Thousandths of each card. Default 1000, whole cards. */
  readonly gpuMilli?: number;
  /** Models that will do. Default: any. */
  readonly models?: readonly string[];
}

/** Pod templates and pod sets by what they ask for: equal ones are the same object. */
export class Shapes {
  readonly #templates = new Map<string, PodTemplate>();
  readonly #sets = new Map<string, readonly PodSet[]>();

  template(shape: PodShape): PodTemplate {
    const key = keyOf(shape);
    let template = this.#templates.get(key);
    if (!template) this.#templates.set(key, (template = templateOf(shape)));
    return template;
  }

  /** One set of `count` equal pods. */
  pods(count: number, shape: PodShape, name = 'worker'): readonly PodSet[] {
    const key = `${name} ${count} ${keyOf(shape)}`;
    let sets = this.#sets.get(key);
    if (!sets) this.#sets.set(key, (sets = [{ name, count, template: this.template(shape) }]));
    return sets;
  }

  /** Several sets, by name, count and shape. Sets of no pods are left out. */
  sets(
    parts: readonly { readonly name: string; readonly count: number; readonly shape: PodShape }[],
  ): readonly PodSet[] {
    const key = parts.map(({ name, count, shape }) => `${name} ${count} ${keyOf(shape)}`).join(' + ');
    let sets = this.#sets.get(key);
    if (!sets) {
      sets = parts
        .filter(({ count }) => count > 0)
        .map(({ name, count, shape }) => ({ name, count, template: this.template(shape) }));
      this.#sets.set(key, sets);
    }
    return sets;
  }

  /**
   * A job of `gpus` cards on nodes of `perNode`: one pod if they fit on a node, else a pod for each full node and one for the
   * rest. Cores and memory are the whole job's and are shared out by cards.
   */
  spread(
    gpus: number,
    perNode: number,
    all: Pick<PodShape, 'cpuMilli' | 'memoryMib' | 'models'> = {},
  ): readonly PodSet[] {
    const { cpuMilli = 0, memoryMib = 0, models } = all;
    const part = (cards: number): PodShape => ({
      cpuMilli: Math.round((cpuMilli * cards) / gpus),
      memoryMib: Math.round((memoryMib * cards) / gpus),
      gpus: cards,
      ...(models ? { models } : {}),
    });
    if (gpus <= perNode) return this.pods(1, gpus === 0 ? { cpuMilli, memoryMib } : part(gpus));
    const rest = gpus % perNode;
    return this.sets([
      { name: 'worker', count: Math.floor(gpus / perNode), shape: part(perNode) },
      ...(rest > 0 ? [{ name: 'rest', count: 1, shape: part(rest) }] : []),
    ]);
  }
}

function keyOf({ cpuMilli = 0, memoryMib = 0, gpus = 0, gpuMilli = 1000, models = [] }: PodShape): string {
  return `${cpuMilli} ${memoryMib} ${gpus} ${gpuMilli} ${models.join('|')}`;
}

/** Whole cards are the resource of device plugins, parts of cards annotations: docs/gpus.md. */
function templateOf(shape: PodShape): PodTemplate {
  const { cpuMilli = 0, memoryMib = 0, gpus = 0, gpuMilli = 1000, models = [] } = shape;
  const requests: Record<string, string> = {};
  if (cpuMilli > 0) requests['cpu'] = `${cpuMilli}m`;
  if (memoryMib > 0) requests['memory'] = `${memoryMib}Mi`;
  const annotations: Record<string, string> = {};
  const whole = gpus > 0 && gpuMilli >= 1000;
  if (whole) requests[wholeCardResource] = String(gpus);
  else if (gpus > 0) {
    annotations[countAnnotation] = String(gpus);
    annotations[milliAnnotation] = String(gpuMilli);
  }
  if (gpus > 0 && models.length > 0) annotations[modelAnnotation] = models.join('|');
  return makeTemplate(requests, annotations, whole ? { [wholeCardResource]: String(gpus) } : undefined);
}

/** Whether such pods ask for cards, whole or in parts. */
export function asksForCards({ metadata, spec }: PodTemplate): boolean {
  const { annotations = {} } = metadata ?? {};
  if (annotations[countAnnotation] !== undefined || annotations[milliAnnotation] !== undefined) return true;
  return spec.containers.some(({ resources }) => {
    const { requests = {}, limits = {} } = resources ?? {};
    return Number(requests[wholeCardResource] ?? limits[wholeCardResource] ?? 0) > 0;
  });
}

/** A pod of one container that asks for this. The image is never pulled. */
export function makeTemplate(
  requests: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  limits?: Readonly<Record<string, string>>,
): PodTemplate {
  return {
    metadata: { annotations },
    spec: {
      containers: [{ name: 'main', image: 'x', resources: { requests, ...(limits ? { limits } : {}) } }],
    },
  };
}
