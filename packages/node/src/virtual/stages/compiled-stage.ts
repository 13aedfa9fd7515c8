/** A Stage made ready to be asked of thousands of objects. Pure: time and chance come in. */
import type { KubeObject } from '@coracle/machinery';
import { durationTypes, type Moment, StageCel, wholeTypes } from './cel.ts';
import { delayOf, valueFrom, weightOf } from './measures.ts';
import { NotUnderstood } from './not-understood.ts';
import { requirement } from './requirement.ts';
import type { Stage, StageEvent, StageFinalizers, StagePatch, StageSpec, StageStep } from './stage-type.ts';
import { type RenderedYaml, renderedYaml } from './rendered-yaml.ts';
import { template } from './template/template.ts';

export interface CompiledPatch {
  subresource: string | undefined;
  root: string;
  type: 'json' | 'merge' | 'strategic';
  yaml: RenderedYaml;
}
export interface CompiledStep {
  event?: StageEvent;
  finalizers?: StageFinalizers;
  delete?: true;
  patch?: CompiledPatch;
}
export interface CompiledStage {
  readonly name: string;
  readonly steps: readonly CompiledStep[];
  matches(object: KubeObject, moment?: Moment): boolean;
  /** Undefined: it has none (an empty or unreadable value of `weightFrom`). */
  weight(object: KubeObject, moment?: Moment): number | undefined;
  /** Milliseconds from `now`; not above zero: at once. `random` is in [0, 1). */
  delay(object: KubeObject, now: number, random: () => number): number;
}

export interface Compilation {
  /** Absent: it has a part that is not understood, and is not played at all rather than by halves. */
  stage?: CompiledStage;
  /** What is wrong, each with its field. */
  problems: string[];
}

const still: Moment = { now: 0, random: () => 0 };

/** Never throws for what a Stage says. */
export function compileStage(stage: Stage): Compilation {
  const { spec } = stage;
  const problems: string[] = [];
  let fatal = false;
  const attempt = <T>(field: string, make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      problems.push(`spec.${field}: ${error.message}`);
      fatal = true;
      return undefined;
    }
  };
  const ignored = (field: string, given: unknown): void => {
    if (given !== undefined) problems.push(`spec.${field}: not supported for Pods and Nodes, and ignored`);
  };
  let cel: StageCel | undefined;
  // Few Stages have any.
  const celOf = (): StageCel => (cel ??= new StageCel(spec.resourceRef.kind === 'Node' ? 'Node' : 'Pod'));
  const { selector } = spec;
  if (selector === undefined) problems.push('spec.selector: absent, so the stage is for no object');
  const tests = (selector?.matchExpressions ?? []).map((each, index) =>
    attempt(`selector.matchExpressions[${index}]`, () => requirement(each, celOf)),
  );
  const weight = attempt('weightFrom', () => valueFrom(spec.weightFrom, celOf, wholeTypes));
  const duration = attempt('delay.durationFrom', () =>
    valueFrom(spec.delay?.durationFrom, celOf, durationTypes),
  );
  const jitter = attempt('delay.jitterDurationFrom', () =>
    valueFrom(spec.delay?.jitterDurationFrom, celOf, durationTypes),
  );
  const { next } = spec;
  ignored('next.statusPatchAs', next?.statusPatchAs);
  if (next?.statusSubresource !== 'status') ignored('next.statusSubresource', next?.statusSubresource);
  if (spec.steps !== undefined && spec.steps.length > 0 && next !== undefined)
    problems.push('spec.next: ignored, as there are steps');
  const steps = listedSteps(spec).map(({ step, field, patchField }): CompiledStep => {
    const patch = step.patch;
    ignored(`${patchField}.impersonation`, patch?.impersonation);
    if (step.apply !== undefined)
      attempt(`${field}.apply`, () => {
        throw new NotUnderstood(
          'applying other objects is not supported; supported are event, finalizers, delete and patch',
        );
      });
    const compiled = patch && attempt(patchField, () => compilePatch(patch));
    return {
      ...(step.event ? { event: step.event } : {}),
      ...(step.finalizers ? { finalizers: step.finalizers } : {}),
      ...(step.delete === true ? { delete: true as const } : {}),
      ...(compiled ? { patch: compiled } : {}),
    };
  });
  if (fatal) return { problems };
  const labels = Object.entries(selector?.matchLabels ?? {});
  const annotations = Object.entries(selector?.matchAnnotations ?? {});
  return {
    problems,
    stage: {
      name: stage.metadata.name,
      steps,
      matches: (object, moment = still) =>
        selector !== undefined &&
        labels.every(([key, value]) => object.metadata.labels?.[key] === value) &&
        annotations.every(([key, value]) => object.metadata.annotations?.[key] === value) &&
        tests.every((test) => test?.(object, moment)),
      weight: (object, moment = still) => weightOf(object, moment, spec.weight ?? 0, weight),
      delay: (object, now, random) => delayOf(object, now, random, spec.delay, duration, jitter),
    },
  };
}

interface ListedStep {
  step: StageStep;
  field: string;
  patchField: string;
}

/** `steps`, or what `next` is as steps: its event, finalizers and deletion come before its patches. */
function listedSteps({ steps = [], next }: StageSpec): ListedStep[] {
  if (steps.length > 0)
    return steps.map((step, i) => ({ step, field: `steps[${i}]`, patchField: `steps[${i}].patch` }));
  if (next === undefined) return [];
  const { event, finalizers, delete: gone, patches = [], statusTemplate } = next;
  const first: StageStep = {
    ...(event ? { event } : {}),
    ...(finalizers ? { finalizers } : {}),
    ...(gone === true ? { delete: true } : {}),
  };
  const listed: ListedStep[] = [{ step: first, field: 'next', patchField: 'next' }];
  for (const [i, patch] of patches.entries())
    listed.push({ step: { patch }, field: 'next', patchField: `next.patches[${i}]` });
  if (statusTemplate !== undefined && statusTemplate.trim() !== '') {
    const patch = { subresource: 'status', root: 'status', template: statusTemplate };
    listed.push({ step: { patch }, field: 'next', patchField: 'next.statusTemplate' });
  }
  return listed;
}

/** Pods and Nodes are patched by the strategic rules unless the patch says otherwise: conditions are merged by their type. */
function compilePatch({
  subresource,
  root = '',
  type = 'strategic',
  template: text = '',
}: StagePatch): CompiledPatch {
  const yaml = renderedYaml(template(text));
  return { subresource: subresource === '' ? undefined : subresource, root, type, yaml };
}
