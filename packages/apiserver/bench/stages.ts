/** Sorts the samples of a CPU profile into the pipeline's steps, by the innermost function on the stack that belongs to one. */
import type { Profiler } from 'node:inspector';

/** Time spent under one stack: `function file`, innermost first. */
export interface Sampled {
  frames: string[];
  time: number;
}

/** One entry a function that was seen running, with the stack that led there. */
export function samplesByFunction(profile: Profiler.Profile): Sampled[] {
  const times = new Map<number, number>();
  for (const [i, id] of (profile.samples ?? []).entries())
    times.set(id, (times.get(id) ?? 0) + (profile.timeDeltas?.[i] ?? 0));
  const parents = new Map<number, Profiler.ProfileNode>();
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node);
  const found: Sampled[] = [];
  for (const node of profile.nodes) {
    const time = times.get(node.id);
    if (!time) continue;
    const frames: string[] = [];
    for (let at: Profiler.ProfileNode | undefined = node; at; at = parents.get(at.id)) {
      const { functionName, url, lineNumber } = at.callFrame;
      const file = url.replace(/^.*\/packages\//, '').replace('/src/', '/');
      frames.push(`${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`);
    }
    found.push({ frames, time });
  }
  return found;
}

/** First match wins. */
const stages: readonly (readonly [RegExp, string])[] = [
  [/^\(idle\)|^\(program\)/, 'idle'],
  [/^\(garbage collector\)/, 'gc'],
  [/^jsonClone /, 'clone'],
  [/^deepFreeze |^freeze /, 'freeze'],
  [/^deepEqual /, 'compare'],
  [/ machinery\/schema\/(types|prune|decodes)/, 'decode check'],
  [/ machinery\/schema\/defaults/, 'schema defaults'],
  [/ machinery\/schema\/(validate|fits|problems)/, 'schema validation'],
  [/ machinery\/schema/, 'schema'],
  [/ machinery\/patch/, 'patch'],
  [/ machinery\/(object-meta|names)/, 'metadata rules'],
  [/ apiserver\/admission/, 'admission'],
  [/ apiserver\/auth/, 'authn, authz'],
  [/ apiserver\/strategy/, 'strategy'],
  [/^seal |^textOf /, 'seal (JSON)'],
  [/ store\//, 'store'],
  [/ apiserver\/storage/, 'storage'],
  [/ apiserver\/metrics/, 'metrics'],
  [/ apiserver\/(pipeline\/(handle|path|route|negotiate|turns|write-options|protobuf-body))/, 'routing'],
  [/ apiserver\/pipeline\/metadata/, 'metadata'],
  [/ apiserver\/(pipeline|verbs|subresources)/, 'verbs'],
  [/ apiserver\/bench/, 'bench'],
];

/** The step a stack belongs to. */
export function stageOf(frames: readonly string[]): string {
  // The measuring itself.
  if (frames.some((frame) => /^yardstick |^post node:inspector/.test(frame))) return 'idle';
  for (const frame of frames) for (const [pattern, stage] of stages) if (pattern.test(frame)) return stage;
  return 'runtime';
}
