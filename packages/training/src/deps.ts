import type { Client } from '@coracle/client';
import type { Clock, EventRecorder, InformerFactory, Logger } from '@coracle/operator';

/** What the training controllers work with. Their informers are asked for when they are made, before the factory is started. */
export interface TrainingDeps {
  client: Client;
  informers: InformerFactory;
  clock: Clock;
  recorder: EventRecorder;
  logger: Logger;
}
