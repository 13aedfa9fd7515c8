import type { Client } from '@coracle/client';
import type { Clock, EventRecorder, InformerFactory, Logger } from '@coracle/operator';

/** What one controller works with. Its informers are asked for when it is made, before their factory is started. */
export interface ComponentDeps {
  /** Writes as the controller's own identity. */
  client: Client;
  informers: InformerFactory;
  clock: Clock;
  recorder: EventRecorder;
  logger: Logger;
  /** 0 <= random() < 1. */
  random: () => number;
}

/** What all controllers work with. */
export interface ControllerDeps {
  /** One for all, or one for each by component name (`job-controller`): so that each has only its own rights. */
  client: Client | ((component: string) => Client);
  informers: InformerFactory;
  clock: Clock;
  recorder: (component: string) => EventRecorder;
  logger: Logger;
  random: () => number;
  /** PEM of the certificates that clients trust; published in each namespace as `kube-root-ca.crt`. */
  rootCa?: string | undefined;
}

/** The deps of one component. */
export function depsFor(deps: ControllerDeps, component: string): ComponentDeps {
  return {
    client: typeof deps.client === 'function' ? deps.client(component) : deps.client,
    informers: deps.informers,
    clock: deps.clock,
    recorder: deps.recorder(component),
    logger: deps.logger,
    random: deps.random,
  };
}
