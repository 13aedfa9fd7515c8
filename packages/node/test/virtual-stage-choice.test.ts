import type { KubeObject } from '@coracle/machinery';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileStage } from '../src/virtual/stages/compiled-stage.ts';
import { finalizerPatch } from '../src/virtual/stages/finalizer-patch.ts';
import { nextStage } from '../src/virtual/stages/lifecycle.ts';
import type { Stage, StageSpec } from '../src/virtual/stages/stage-type.ts';

const now = Date.parse('2026-01-02T03:04:05Z');
const object = (annotations: Record<string, string> = {}, more: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', uid: 'u', resourceVersion: '1', annotations, labels: { app: 'x' } },
    ...more,
  }) as unknown as KubeObject;
const stageOf = (spec: Partial<StageSpec>, name = 's'): Stage => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name, uid: 'u', resourceVersion: '1' } as Stage['metadata'],
  spec: { resourceRef: { kind: 'Pod' }, selector: {}, ...spec },
});
const compiled = (spec: Partial<StageSpec>, name?: string) => {
  const { stage, problems } = compileStage(stageOf(spec, name));
  if (stage === undefined) throw new Error(problems.join('; '));
  return stage;
};

describe("a stage's delay", () => {
  const from = (name: string) => ({ expressionFrom: `.metadata.annotations["${name}"]` });
  const delay = (spec: StageSpec['delay'], annotations: Record<string, string> = {}, chance = 0.5): number =>
    compiled(spec === undefined ? {} : { delay: spec }).delay(object(annotations), now, () => chance);

  test.each<[StageSpec['delay'], Record<string, string>, number]>([
    [undefined, {}, 0],
    [{ durationMilliseconds: 1000 }, {}, 1000],
    [{ durationMilliseconds: 1000, jitterDurationMilliseconds: 5000 }, {}, 3000],
    // A jitter that is shorter is the delay.
    [{ durationMilliseconds: 1000, jitterDurationMilliseconds: 400 }, {}, 400],
    [{ durationMilliseconds: 1000, durationFrom: from('d') }, {}, 1000],
    [{ durationMilliseconds: 1000, durationFrom: from('d') }, { d: '2m0.5s' }, 120_500],
    [{ durationMilliseconds: 1000, durationFrom: from('d') }, { d: 'soon' }, 1000],
    [{ durationMilliseconds: 1000, durationFrom: from('d') }, { d: '' }, 0],
    [{ durationMilliseconds: 1000, durationFrom: from('d') }, { d: '2026-01-02T03:05:05Z' }, 60_000],
    [
      { durationMilliseconds: 1000, jitterDurationFrom: from('j'), jitterDurationMilliseconds: 2000 },
      { j: '3s' },
      2000,
    ],
    // A time that is over: at once.
    [{ durationMilliseconds: 1000, jitterDurationFrom: from('j') }, { j: '2026-01-02T03:04:00Z' }, -5000],
  ])('%j with %j is %d ms', (spec, annotations, expected) => {
    expect(delay(spec, annotations)).toBeCloseTo(expected);
  });

  test('lies between the duration and the jitter', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (duration, jitter, chance) => {
          const ms = delay(
            { durationMilliseconds: duration, jitterDurationMilliseconds: jitter },
            {},
            chance,
          );
          if (jitter <= duration) expect(ms).toBe(jitter);
          else {
            expect(ms).toBeGreaterThanOrEqual(duration);
            expect(ms).toBeLessThanOrEqual(jitter);
          }
        },
      ),
    );
  });
});

describe('a selector', () => {
  const matches = (selector: NonNullable<StageSpec['selector']>): boolean =>
    compiled({ selector }).matches(object({ a: 'b' }, { status: { phase: 'Pending', flag: true, n: 3 } }));
  const test1 = (key: string, operator: string, ...values: string[]): boolean =>
    matches({ matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }] });

  test('takes labels, annotations and expressions together', () => {
    expect(matches({})).toBe(true);
    expect(matches({ matchLabels: { app: 'x' }, matchAnnotations: { a: 'b' } })).toBe(true);
    expect(matches({ matchLabels: { app: 'x' }, matchAnnotations: { a: 'c' } })).toBe(false);
    expect(test1('.status.phase', 'In', 'Running', 'Pending')).toBe(true);
    expect(test1('.status.phase', 'NotIn', 'Running', 'Pending')).toBe(false);
    expect(test1('.status.flag', 'In', 'true')).toBe(true);
    expect(test1('.status.n', 'In', '3')).toBe(true);
    expect(test1('.status.none', 'NotIn', 'x')).toBe(true);
    expect(test1('.status.none', 'Exists')).toBe(false);
    expect(test1('.status.none[].deeper', 'DoesNotExist')).toBe(true);
    expect(matches({ matchExpressions: [{ jq: { key: '.status.phase', operator: 'Exists' } }] })).toBe(true);
  });

  test('that is absent is for no object', () => {
    const { stage, problems } = compileStage({
      ...stageOf({}),
      spec: { resourceRef: { kind: 'Pod' }, next: {} },
    });
    expect(stage?.matches(object())).toBe(false);
    expect(problems).toEqual(['spec.selector: absent, so the stage is for no object']);
  });
});

describe('CEL', () => {
  const pod = object(
    { weight: '7', wait: '1m30s' },
    {
      status: { phase: 'Running', startTime: '2026-01-02T03:04:00Z' },
      spec: { containers: [{ name: 'a' }] },
    },
  );
  const moment = { now, random: () => 0.25 };
  test.each<[string, boolean]>([
    ['self.status.phase == "Running"', true],
    ['self.metadata.labels["app"] == "y"', false],
    ['has(self.metadata.deletionTimestamp)', false],
    ['!has(self.status.podIP) && self.spec.containers.size() == 1', true],
    // What stops with an error is not met.
    ['self.status.podIP == ""', false],
    ['Now() - self.status.startTime == duration("5s")', true],
    ['UnixSecond(Now()) > 0.0 && self.status.startTime.UnixSecond() < UnixSecond(Now())', true],
    ['Rand() < 0.3', true],
    ['Quantity("1500m").isGreaterThan(quantity("1"))', true],
  ])('%s: %s', (expression, expected) => {
    const stage = compiled({ selector: { matchExpressions: [{ cel: { expression } }] } });
    expect(stage.matches(pod, moment)).toBe(expected);
  });

  test.each<[string, number | undefined]>([
    ['int(self.metadata.annotations["weight"]) * 2', 14],
    ['2.9', 2],
    ['true', 1],
    ['int(self.metadata.annotations["none"])', 3],
  ])('gives the weight: %s', (expression, weight) => {
    expect(compiled({ weight: 3, weightFrom: { cel: { expression } } }).weight(pod, moment)).toBe(weight);
  });

  test.each<[string, number]>([
    ['duration("2s")', 2000],
    ['self.metadata.annotations["wait"]', 90_000],
    ['self.status.startTime + duration("1m")', 55_000],
    ['3000000', 3],
    ['self.metadata.annotations["none"]', 1000],
  ])('gives the delay: %s', (expression, wanted) => {
    const stage = compiled({ delay: { durationMilliseconds: 1000, durationFrom: { cel: { expression } } } });
    expect(stage.delay(pod, now, () => 0)).toBeCloseTo(wanted);
  });

  test('is about nodes for nodes', () => {
    const expression = 'self.status.capacity["cpu"] == "4" && SinceSecond(self) >= 60.0';
    const spec = { resourceRef: { kind: 'Node' }, selector: { matchExpressions: [{ cel: { expression } }] } };
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-02T03:03:05Z' },
      status: { capacity: { cpu: '4' } },
    } as unknown as KubeObject;
    expect(compiled(spec).matches(node, moment)).toBe(true);
    expect(compiled(spec).matches(node, { ...moment, now: now - 1 })).toBe(false);
  });
});

describe('of stages that match', () => {
  const weights = (all: (number | string)[], chance: number): string | undefined => {
    const annotations: Record<string, string> = {};
    const stages = all.map((weight, index) => {
      if (typeof weight === 'number') return compiled({ weight }, `s${index}`);
      annotations[`w${index}`] = weight;
      const expressionFrom = `.metadata.annotations["w${index}"]`;
      return compiled({ weight: 1, weightFrom: { expressionFrom } }, `s${index}`);
    });
    return nextStage(stages, object(annotations), () => chance)?.name;
  };

  test.each<[(number | string)[], number, string | undefined]>([
    [[], 0, undefined],
    [[0], 0.9, 's0'],
    [[''], 0.9, 's0'],
    [[1, 3], 0.2, 's0'],
    [[1, 3], 0.3, 's1'],
    [[0, 0], 0.6, 's1'],
    [[0, 5, 0], 0.99, 's1'],
    [['', 0], 0.9, 's1'],
    [['', 'x'], 0.9, 's1'],
    [['10000', 1], 0.5, 's0'],
  ])('%j with chance %d goes on to %s', (all, chance, name) => {
    expect(weights(all, chance)).toBe(name);
  });

  test('each is met as often as its weight says', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 2, maxLength: 6 }), (all) => {
        const total = all.reduce((a, b) => a + b, 0);
        if (total === 0) return;
        const met = all.map(() => 0);
        for (let i = 0; i < total; i++) {
          const name = weights(all, (i + 0.5) / total) ?? '';
          met[Number(name.slice(1))] = (met[Number(name.slice(1))] ?? 0) + 1;
        }
        expect(met).toEqual(all);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what is not understood', () => {
  test.each<[Partial<StageSpec>, RegExp]>([
    [
      { selector: { matchExpressions: [{ key: '.a | test("x")', operator: 'Exists' }] } },
      /^spec\.selector\.matchExpressions\[0\]: .*supported are paths/,
    ],
    [{ selector: { matchExpressions: [{ key: '.a', operator: 'Near' }] } }, /operator "Near"; supported/],
    [{ selector: { matchExpressions: [{ key: '.a', operator: 'In' }] } }, /needs values/],
    [
      { selector: { matchExpressions: [{ cel: { expression: 'self.status.phrase == ""' } }] } },
      /^spec\.selector\.matchExpressions\[0\]: .*undefined field 'phrase'/,
    ],
    [{ selector: { matchExpressions: [{ cel: { expression: '1' } }] } }, /comes out as int; wanted is bool/],
    [{ weightFrom: { cel: { expression: '"a"' } } }, /^spec\.weightFrom: .*comes out as string/],
    [{ delay: { durationFrom: { expressionFrom: '$x' } } }, /^spec\.delay\.durationFrom: /],
    [
      { next: { statusTemplate: '{{ Wow }}' } },
      /^spec\.next\.statusTemplate: .*no function "Wow"; supported/,
    ],
    [{ next: { patches: [{ template: '{{ .a' }] } }, /^spec\.next\.patches\[0\]: /],
    [{ steps: [{ event: {} }, { apply: { template: 'x' } }] }, /^spec\.steps\[1\]\.apply: .*supported are/],
  ])('in %j keeps the stage from being played', (spec, why) => {
    const { stage, problems } = compileStage(stageOf(spec));
    expect(stage).toBeUndefined();
    expect(problems[0]).toMatch(why);
  });

  test('and is left aside by kwok for Pods, too, is said and left aside', () => {
    const { stage, problems } = compileStage(
      stageOf({ next: { statusTemplate: 'phase: Running', statusPatchAs: { username: 'u' } } }),
    );
    expect(stage).toBeDefined();
    expect(problems).toEqual(['spec.next.statusPatchAs: not supported for Pods and Nodes, and ignored']);
  });
});

test('finalizers are added, removed and emptied, and those of others kept', () => {
  const value = (...names: string[]) => names.map((name) => ({ value: name }));
  const path = '/metadata/finalizers';
  expect(finalizerPatch(undefined, { add: value('a') })).toEqual([{ op: 'add', path, value: ['a'] }]);
  expect(finalizerPatch(['a'], { add: value('a') })).toEqual([]);
  expect(finalizerPatch(['a', 'b'], { remove: value('a') })).toEqual([
    { op: 'test', path, value: ['a', 'b'] },
    { op: 'add', path, value: ['b'] },
  ]);
  expect(finalizerPatch(['a'], { remove: value('a', 'z') }).at(-1)).toEqual({ op: 'remove', path });
  expect(finalizerPatch(['a'], { empty: true }).at(-1)).toEqual({ op: 'remove', path });
  expect(finalizerPatch(undefined, { empty: true })).toEqual([]);
});
