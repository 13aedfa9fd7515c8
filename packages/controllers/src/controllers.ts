import type { Component } from '@coracle/operator';
import { depsFor } from './deps.ts';
import type { ControllerDeps } from './deps.ts';
import { jobController } from './job/job-controller.ts';
import type { JobControllerOptions } from './job/job-controller.ts';
import { ttlAfterFinishedController } from './ttl/ttl-after-finished.ts';

export interface ControllerOptions {
  job?: JobControllerOptions;
}

/**
 * All controllers of this package, each under the name of its upstream service account (`job-controller`). Make them before
 * the informers' factory is started; start them after or while it starts.
 */
export function controllers(deps: ControllerDeps, options: ControllerOptions = {}): Component[] {
  const of = (component: string) => depsFor(deps, component);
  return [
    jobController(of('job-controller'), options.job),
    ttlAfterFinishedController(of('ttl-after-finished-controller')),
  ];
}
