/** Which column of a table is what (inputs/mapped-csv), for the scenario's schema. The reader checks how they go together. */
import type { Schema } from '@coracle/machinery';
import { list, object, string } from './schema-parts.ts';

/** A column's name, a constant, or an object of column, unit, factor and empty. */
const field = (description: string): Schema => ({
  description,
  'x-kubernetes-preserve-unknown-fields': true,
});
const time = (description: string): Schema => field(`${description} (s; or ms, min, h, d, date)`);

export const mappingSchema: Schema = object(
  'Of a table: a field is a column, a constant, or { column, unit, factor, empty }',
  {
    separator: string('Between columns (default ,)'),
    id: string('A column (default: rows are numbered)'),
    tenant: string('A column'),
    submit: time('When it came'),
    run: time('How long it ran'),
    start: time('When it started, instead of run'),
    end: time('When it ended, instead of run'),
    estimate: time('How long its owner said it would take'),
    priority: field('As a PriorityClass has it'),
    pods: field('Pods that start together (default: one for each full node of cards)'),
    cpu: field('Cores (or milli, percent)'),
    memory: field('GiB (or B, KiB, MiB, TiB, KB, MB, GB, TB)'),
    gpus: field('Cards (or milli, percent)'),
    models: string('A column of models that will do, by |'),
    of: string('Whose cpu, memory and gpus are (default job)', { enum: ['job', 'pod'] }),
    status: object(
      'How jobs ended',
      {
        column: string('A column'),
        failed: list('Values that mean it failed', string('A value')),
        cancelled: list('Values that mean it was cancelled', string('A value')),
        skip: list('Rows with these are no jobs', string('A value')),
      },
      ['column'],
    ),
    about: {
      type: 'object',
      description: 'What is kept besides: a column by name',
      additionalProperties: { type: 'string' },
    },
  },
  ['submit'],
);
