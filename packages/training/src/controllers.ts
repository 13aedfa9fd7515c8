import type { Component } from '@coracle/operator';
import type { TrainingDeps } from './deps.ts';
import { jobSetController } from './jobset/controller.ts';
import { trainJobController } from './trainjob/controller.ts';

/** The controllers of this package. Make them before the informers' factory is started; start them after or while it starts. */
export function trainingControllers(deps: TrainingDeps): Component[] {
  return [jobSetController(deps), trainJobController(deps)];
}
