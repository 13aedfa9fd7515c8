/** The Stages there are, by the kind they are for, ready to be played. */
import type { Informer } from '@coracle/operator';
import { compileStage, type CompiledStage } from './compiled-stage.ts';
import type { Stage } from './stage-type.ts';

export type StageKind = 'Pod' | 'Node';

export interface StageObjectsOptions {
  informer: Informer<Stage>;
  /** The stages of a kind are others now; undefined: there are none, not even one that is not understood. */
  changed(kind: StageKind, stages: readonly CompiledStage[] | undefined): void;
  /** What a Stage says that is not understood; once for each version of the Stage. */
  warn(stage: Stage, problem: string): void;
}

/** Follows them; the first word comes when the informer is ready. Returns a function that ends it. */
export function followStages({ informer, changed, warn }: StageObjectsOptions): () => void {
  const all = new Map<string, { kind: StageKind; compiled: CompiledStage | undefined }>();
  let told = false;
  const tell = (kind: StageKind): void => {
    if (!told) return;
    const ofKind = [...all.entries()].filter(([, stage]) => stage.kind === kind);
    // By name, so that chance falls on the same stage whatever came first.
    ofKind.sort(([a], [b]) => (a < b ? -1 : 1));
    const stages = ofKind.flatMap(([, { compiled }]) => (compiled ? [compiled] : []));
    changed(kind, ofKind.length === 0 ? undefined : stages);
  };
  const set = (stage: Stage): void => {
    const { name } = stage.metadata;
    const before = all.get(name)?.kind;
    all.delete(name);
    const { apiGroup = 'v1', kind } = stage.spec.resourceRef;
    const known =
      (apiGroup === 'v1' || apiGroup === '') && (kind === 'Pod' || kind === 'Node') ? kind : undefined;
    if (known === undefined) {
      warn(stage, `spec.resourceRef: ${apiGroup} ${kind} is not supported; supported are v1 Pod and v1 Node`);
    } else {
      const { stage: compiled, problems } = compileStage(stage);
      all.set(name, { kind: known, compiled });
      for (const problem of problems)
        warn(stage, compiled === undefined ? `the stage is not played: ${problem}` : problem);
    }
    if (before !== undefined && before !== known) tell(before);
    if (known !== undefined) tell(known);
  };
  const undo = informer.on({
    add: (stage) => set(stage),
    update: (before, after) => {
      if (before.metadata.generation !== after.metadata.generation || after.metadata.generation === undefined)
        set(after);
    },
    delete: (stage) => {
      const kind = all.get(stage.metadata.name)?.kind;
      all.delete(stage.metadata.name);
      if (kind !== undefined) tell(kind);
    },
  });
  void informer.ready().then(() => {
    told = true;
    tell('Pod');
    tell('Node');
  });
  return undo;
}
