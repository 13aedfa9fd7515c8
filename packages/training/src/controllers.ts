import type { Component } from '@coracle/operator';
import type { TrainingDeps } from './deps.ts';
import { jobSetController } from './jobset/controller.ts';
import type { ProgressEndpoint } from './progress/contract.ts';
import { trainJobController } from './trainjob/controller.ts';

export interface TrainingOptions {
  /** Where training code reports its progress (`progressServer`); without it pods are told nothing of that. */
  progress?: ProgressEndpoint | undefined;
}

/** The controllers of this package. Make them before the informers' factory is started; start them after or while it starts. */
export function trainingControllers(deps: TrainingDeps, options: TrainingOptions = {}): Component[] {
  return [jobSetController(deps), trainJobController(deps, options.progress)];
}
