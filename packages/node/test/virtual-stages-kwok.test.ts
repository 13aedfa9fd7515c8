/**
 * kwok's published Stages against kwok's own examples of what they do. They are not part of this repository: set KWOK_STAGES to the folder
 * kustomize/stage of a checkout of kubernetes-sigs/kwok, or nothing is tested here.
 */
import type { KubeObject } from '@coracle/machinery';
import { load } from 'js-yaml';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileStage, type CompiledStage } from '../src/virtual/stages/compiled-stage.ts';
import { renderPatch } from '../src/virtual/stages/render-patch.ts';
import type { Stage } from '../src/virtual/stages/stage-type.ts';

const folder = process.env['KWOK_STAGES'] ?? '';
const now = Date.parse('2026-01-02T03:04:05Z');
const surroundings = {
  now,
  startedAt: now,
  random: () => 0,
  nodeName: 'node',
  nodePort: 10_247,
  nodeIP: () => '10.64.0.1',
  podIP: () => '10.128.0.1',
};

interface Expected {
  stages?: {
    stage: string;
    weight: number;
    delay?: number | number[];
    next: { kind: string; data?: object; subresource?: string }[];
  }[];
}

const stagesOf = (set: string): Stage[] =>
  globSync(join(set, '*.yaml'))
    .map((file) => load(readFileSync(file, 'utf8')) as Stage)
    .filter(({ kind }) => kind === 'Stage')
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

/** Their placeholders stand for any text; they have two addresses of each, virtual nodes one. */
function alike(wanted: unknown, found: unknown, key = ''): boolean {
  if (typeof wanted === 'string' && /<.*>/s.test(wanted))
    return !['', undefined, null].includes(found as string);
  if (wanted === null || typeof wanted !== 'object') return wanted === found;
  if (found === null || typeof found !== 'object') return false;
  if (key === 'hostIPs' || key === 'podIPs') return Array.isArray(found) && found.length === 1;
  const [a, b] = [wanted as Record<string, unknown>, found as Record<string, unknown>];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)].filter((name) => !name.startsWith('$')));
  return [...keys].every((name) => alike(a[name], b[name], name));
}

describe.skipIf(!existsSync(folder))("kwok's Stages", () => {
  const sets = ['pod/fast', 'pod/general', 'pod/chaos', 'node/*'].flatMap((name) =>
    globSync(join(folder, name)),
  );

  test.each(sets)('%s are all understood', (set) => {
    for (const stage of stagesOf(set)) {
      const { stage: compiled, problems } = compileStage(stage);
      expect(problems, stage.metadata.name).toEqual([]);
      expect(compiled).toBeDefined();
    }
  });

  test.each(sets.flatMap((set) => globSync(join(set, 'testdata/*.input.yaml'))))('%s', (file) => {
    const object = load(readFileSync(file, 'utf8')) as KubeObject;
    const expected = load(readFileSync(file.replace('.input.', '.output.'), 'utf8')) as Expected;
    const matching = stagesOf(dirname(dirname(file)))
      .map((stage) => compileStage(stage).stage)
      .filter((stage): stage is CompiledStage => stage?.matches(object) === true);
    const wanted = expected.stages ?? [];
    expect(
      matching.map(({ name }) => name),
      basename(file),
    ).toEqual(wanted.map(({ stage }) => stage).toSorted());
    for (const { stage: name, weight, delay, next } of wanted) {
      const stage = matching.find((each) => each.name === name);
      expect(stage?.weight(object)).toBe(weight);
      const [least, most] = typeof delay === 'number' ? [delay, delay] : (delay ?? []);
      if (least !== undefined && most !== undefined) {
        expect(stage?.delay(object, now, () => 0)).toBe(least / 1e6);
        expect(stage?.delay(object, now, () => 1)).toBe(most / 1e6);
      }
      const done = (stage?.steps ?? []).flatMap((step) => [
        ...(step.event ? [{ kind: 'event' }] : []),
        ...(step.delete ? [{ kind: 'delete' }] : []),
        ...(step.patch
          ? [
              {
                kind: 'patch',
                data: renderPatch(step.patch, object, surroundings),
                subresource: step.patch.subresource,
              },
            ]
          : []),
      ]);
      const patches = next.filter(({ kind }) => kind === 'patch');
      const ours = done.filter(({ kind }) => kind === 'patch');
      expect(ours.length).toBe(patches.length);
      for (const [index, patch] of patches.entries())
        expect(
          alike(patch.data, ours[index] && 'data' in ours[index] ? ours[index].data : undefined),
          JSON.stringify(ours[index]),
        ).toBe(true);
      expect(done.some(({ kind }) => kind === 'delete')).toBe(next.some(({ kind }) => kind === 'delete'));
    }
  });
});
