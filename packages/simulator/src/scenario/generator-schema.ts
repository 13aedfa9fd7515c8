/** Settings of the generator of jobs (inputs/generator), for the scenario's schema. The generator checks how they go together. */
import type { Schema } from '@coracle/machinery';
import { arrivalKinds } from '../inputs/generator/arrivals.ts';
import { lengthKinds } from '../inputs/generator/lengths.ts';
import { duration, factor, integer, list, number, object, string } from './schema-parts.ts';

const weight = number('How many of these there are, against the others (default 1)', 0);

export const generatorSchema: Schema = object('Jobs made at random instead of a file', {
  name: string('For reports'),
  jobs: integer('How many (default 1000)', 1),
  for: duration('None comes after so long'),
  seed: integer('The same jobs for every run, instead of others for every seed', 0),
  arrivals: object('When they come', {
    process: string('How evenly (default poisson)', { enum: arrivalKinds }),
    perHour: factor('How many, in the mean (default 60)'),
    every: duration('The mean interval, instead'),
    load: factor('Instead of both: what comes is this part of so many cards, in the mean'),
    cards: integer('The cards that load is a part of', 1),
    cv: factor('Of gamma: deviation of the intervals by their mean (default 3)'),
    hours: list('Of diurnal: a weight for each hour of the day', number('A weight', 0), {
      minItems: 24,
      maxItems: 24,
    }),
    days: list('Of diurnal: a weight for each day of the week, from Monday', number('A weight', 0), {
      minItems: 7,
      maxItems: 7,
    }),
    startHour: number('Of diurnal: hour of the week at which the workload begins (default 0)', 0, 167),
  }),
  sizes: list(
    'What they ask for, by weight',
    object('Jobs of one size', {
      weight,
      pods: integer('Pods, which start together (default 1)', 1),
      cpu: number('Cores of each pod', 0),
      memory: number('GiB of each pod', 0),
      gpus: integer('Cards of each pod', 0),
      gpuMilli: integer('Thousandths of each card', 1, { maximum: 1000 }),
      models: list('Models of cards that will do', string('A model')),
    }),
    { minItems: 1 },
  ),
  lengths: object('How long they run', {
    distribution: string('Default lognormal', { enum: lengthKinds }),
    median: duration('Of lognormal'),
    sigma: number('Of lognormal', 0),
    scale: duration('Of weibull'),
    shape: factor('Of weibull and pareto'),
    min: duration('None is shorter'),
    max: duration('None is longer'),
    value: duration('Of fixed'),
    quantiles: list(
      'Of quantiles: points of the distribution',
      object('A point', { part: number('So many are no longer', 0, 1), length: duration('Than this') }, [
        'part',
        'length',
      ]),
    ),
  }),
  tenants: object('Whose they are', {
    count: integer('How many tenants (default 10)', 1),
    zipf: number('The k-th has a weight of 1/k^zipf (default 1)', 0),
    weights: {
      type: 'object',
      description: 'A weight by name, instead of both',
      additionalProperties: { type: 'number', minimum: 0 },
    },
  }),
  estimates: object("What owners say of their jobs' lengths: the true one times a number between these", {
    min: factor('Least'),
    max: factor('Most'),
  }),
  priorities: list(
    'Priorities, by weight',
    object('A priority', { value: integer('As a PriorityClass has it', -2_147_483_648), weight }, ['value']),
  ),
  outcomes: object('Parts of the jobs that end so', {
    failed: number('0 to 1', 0, 1),
    cancelled: number('0 to 1', 0, 1),
  }),
  start: duration('What each start costs before work goes on'),
  checkpoint: duration('Work is saved each time a job has run so long'),
});
