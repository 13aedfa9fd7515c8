import type { ScenarioFlags } from '@coracle/simulator';

/** What `coracle sim` takes. */
export interface SimFlags extends Omit<ScenarioFlags, 'mapping'> {
  /** A file, or a mapping in short. */
  readonly mapping?: string;
  readonly report?: string;
  readonly json?: string;
  readonly csv?: string;
  readonly jobsCsv?: string;
  readonly all?: boolean;
  readonly threads?: number;
  readonly save?: string;
  readonly resume?: string;
  readonly quiet?: boolean;
}
