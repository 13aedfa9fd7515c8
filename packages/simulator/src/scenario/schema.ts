/**
 * The scenario file's shape, once: it checks files (read.ts), and is published for editors as schema/scenario.schema.json
 * (json-schema.ts) and as a table in docs/simulator.md.
 */
import type { Schema } from '@coracle/machinery';

import { generatorSchema } from './generator-schema.ts';
import { goalPattern } from './goal.ts';
import { mappingSchema } from './mapping-schema.ts';
import {
  boolean,
  duration,
  factor,
  factors as factorsByName,
  integer,
  list,
  object,
  string,
} from './schema-parts.ts';

export const scenarioVersion = 'coracle.dev/v1alpha1';
export const scenarioKind = 'Scenario';

const shapeName = 'A card and how many (a100x8), cores (cpu64), or one of spec.shapes';
const factors = {
  arrivals: factor('Jobs arrive so many times as fast: their times of submission are divided by it'),
  durations: factor('Jobs take so many times as long'),
};
const costs = {
  checkpoint: duration(
    'All jobs save their work each time they have run so long (0s: nothing is ever lost), whatever the input says',
  ),
  start: duration('Each start of a job costs so much, whatever the input says'),
};
const events = {
  nodeFailures: object(
    'Nodes fail at random and come back',
    {
      meanUp: duration('Mean time a node works between two failures'),
      meanDown: duration('Mean time it is away'),
    },
    ['meanUp', 'meanDown'],
  ),
  jobFailures: object(
    'Pods fail at random while they run; their job starts again from its last checkpoint',
    {
      meanPodUp: duration('Mean time a pod runs until it fails'),
      limit: integer('After so many failures the job has failed for good (default 6)', 1),
    },
    ['meanPodUp'],
  ),
  maintenance: list(
    'Nodes that take no work for a while',
    object(
      'A window',
      {
        from: duration('Start, since the start of the workload'),
        to: duration('End'),
        pool: string('All nodes of this pool'),
        nodes: list('Or these nodes', string('Name of a node'), { minItems: 1 }),
        mode: string('drain interrupts what runs there; cordon lets it end (default drain)', {
          enum: ['drain', 'cordon'],
        }),
      },
      ['from', 'to'],
    ),
  ),
  autoscaling: list(
    'Nodes of a pool are added while jobs wait that they would help, and taken away when idle',
    object(
      'A pool',
      {
        pool: string('Its name'),
        min: integer('Fewest nodes', 0),
        max: integer('Most nodes', 1),
        boot: duration('From the decision to a ready node (default 5m)'),
        idle: duration('A node idle for so long is taken away (default 10m)'),
      },
      ['pool', 'min', 'max'],
    ),
  ),
  preemption: boolean('Waiting jobs of higher priority evict running ones of lower'),
  speeds: factorsByName(
    'How fast jobs run on nodes with cards of a model, against what the input says (1.9: in 1/1.9 of the time); a job runs at the ' +
      'speed of its slowest node. Models by their label, or a word of it: { A100: 1, H100: 1.9 }',
  ),
};

const changes = {
  add: list(
    'Nodes to add',
    object('Nodes', { shape: string(shapeName), count: integer('How many', 1) }, ['shape', 'count']),
  ),
  remove: list(
    'Nodes to take away, the last of a pool first',
    object('Nodes', { pool: string('Name of the pool'), count: integer('How many', 1) }, ['pool', 'count']),
  ),
  swap: list(
    'Nodes to replace by others',
    object(
      'Nodes',
      {
        pool: string('Name of the pool'),
        shape: string(`What they become. ${shapeName}`),
        count: integer('How many (default: all of the pool)', 1),
      },
      ['pool', 'shape'],
    ),
  ),
  ...factors,
  ...costs,
  placement: string('Another placement policy'),
  ordering: string('Another ordering policy'),
  ...events,
};

export const specSchema: Schema = object(
  'What is simulated',
  {
    cluster: object('The nodes', {
      name: string('For reports'),
      pools: list(
        'Pools of equal nodes',
        object(
          'A pool',
          {
            name: string('Default: the shape'),
            shape: string(shapeName),
            count: integer('Nodes at the start', 0, { maximum: 100_000 }),
          },
          ['shape', 'count'],
        ),
        { minItems: 1 },
      ),
      from: string(
        'A file of nodes instead of, or besides, pools: Node objects (YAML or JSON, as kubectl get nodes -o yaml writes them), ' +
          'a recording, or the node list of a trace',
      ),
    }),
    shapes: {
      type: 'object',
      description: 'Shapes of nodes of your own, by name',
      additionalProperties: object(
        'A shape',
        {
          cpu: { 'x-kubernetes-int-or-string': true, description: 'Cores: 96, 1500m' },
          memory: string('1152Gi', { pattern: '^[0-9.]+(Ki|Mi|Gi|Ti)$' }),
          cards: integer('Cards (GPUs)', 0, { maximum: 64 }),
          model: string('Model of the cards, as pods ask for it'),
          cardMemory: string('Memory of each card: 80Gi', { pattern: '^[0-9.]+(Ki|Mi|Gi|Ti)$' }),
          labels: {
            type: 'object',
            description: 'Labels of the nodes',
            additionalProperties: { type: 'string' },
          },
        },
        ['cpu', 'memory'],
      ),
    },
    workload: object('The jobs', {
      from: string('A trace or a recording'),
      format: string('What the file is; default: found by its content'),
      mapping: mappingSchema,
      lenient: boolean('Rows that cannot be read are skipped and counted instead of ending it'),
      cardsPerNode: integer(
        'Cards of a node, where the trace does not say how jobs are spread over nodes (default: those of the cluster, else 8)',
        1,
        { maximum: 64 },
      ),
      machines: string(
        'Of an SWF log: all its processors as one machine, or nodes, over which jobs are spread (default: nodes where the cluster or coresPerNode says how large they are, else machine)',
        { enum: ['machine', 'nodes'] },
      ),
      coresPerNode: integer(
        'Cores of a node, where the log does not say how jobs are spread over nodes (default: those of the cluster)',
        1,
      ),
      stillRunning: string(
        'Of a recording: how long what had not ended runs: for ever, or as long as it was seen, and what had not started is left out (default forever)',
        { enum: ['forever', 'observed'] },
      ),
      cardTypes: boolean('Of PAI: tasks run only on the type of card they ran on'),
      tenant: string(
        "Of Philly and Helios: whose a job is, its virtual cluster's or its user's (default vc)",
        {
          enum: ['vc', 'user'],
        },
      ),
      generate: generatorSchema,
      ...factors,
      ...costs,
      jobs: integer('Only so many of the first jobs', 1),
      resample: duration(
        'Every seed gets other jobs like these: stretches of this length drawn from them with replacement',
      ),
    }),
    placement: list(
      'Placement policies to compare; the first is the one that others are compared with. Or a profile of a ' +
        'KubeSchedulerConfiguration: scheduler.yaml#NAME (default: default)',
      string('Name'),
      { minItems: 1 },
    ),
    ordering: list('Ordering policies to compare (default: fifo)', string('Name'), { minItems: 1 }),
    seeds: integer('Runs of each, with different random numbers (default 1)', 1, { maximum: 10_000 }),
    firstSeed: integer('Seeds count from here (default 1)', 0, { maximum: 1_000_000_000 }),
    until: duration('The run ends then; default: when nothing is left to happen'),
    ...events,
    dropUnplaced: boolean('What does not fit when it arrives is dropped and counted instead of waiting'),
    points: object('How fine reports are', {
      series: integer('Points of each line (default 1000)', 10, { maximum: 100_000 }),
      heat: integer('Columns of the heat map (default 200)', 10, { maximum: 10_000 }),
      gantt: integer('Bars of the gantt chart (default 20000)', 0, { maximum: 1_000_000 }),
    }),
    variants: list(
      'What if: each is run besides the scenario itself, and compared with it',
      object('A variant', { name: string('For reports; default: made from the changes'), ...changes }),
    ),
    find: object(
      'The smallest number of nodes of a shape, besides those there are, that meets a goal',
      {
        shape: string(shapeName),
        goal: string('A metric and its bound: p95-wait < 1h, mean-completion < 2d, allocation > 80%', {
          pattern: goalPattern,
        }),
        min: integer('Fewest to try (default 0)', 0),
        max: integer('Most to try (default 1024)', 1),
      },
      ['shape', 'goal'],
    ),
  },
  ['cluster', 'workload'],
);

export const scenarioSchema: Schema = object(
  'A scenario for `coracle sim`',
  {
    apiVersion: string('The version of this format', { enum: [scenarioVersion] }),
    kind: string('What this is', { enum: [scenarioKind] }),
    metadata: object('What it is called', { name: string('For reports; default: the name of the file') }),
    spec: specSchema,
  },
  ['apiVersion', 'kind', 'spec'],
);
