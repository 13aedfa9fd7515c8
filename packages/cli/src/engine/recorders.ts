import type { Client } from '@coracle/client';
import {
  type Clock,
  createEventRecorder,
  type EventRecorder,
  type FlushableEventRecorder,
  type Logger,
  sleep,
  type SpareTime,
  systemClock,
} from '@coracle/operator';

/** The event recorders of an engine's parts. */
export interface Recorders {
  recorder(client: Client, component: string): EventRecorder;
  /** Writes what waits, as far as a moment allows: for an engine that stops. */
  settle(): Promise<void>;
}

/** How long the events of parts that have stopped hold up the end. */
const patienceMs = 2000;

export function eventRecorders(spareTime: SpareTime, clock: Clock, logger: Logger): Recorders {
  const made: FlushableEventRecorder[] = [];
  return {
    recorder(client, component) {
      const recorder = createEventRecorder({ client, clock, component, logger, spareTime });
      made.push(recorder);
      return recorder;
    },
    async settle() {
      spareTime.hurry();
      const over = new AbortController();
      await Promise.race([
        Promise.all(made.map((recorder) => recorder.flush())),
        sleep(systemClock, patienceMs, over.signal),
      ]);
      over.abort();
      for (const recorder of made) recorder.drop();
    },
  };
}
