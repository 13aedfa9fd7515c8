/** A scenario from flags, alone or laid over that of a file. */
import { readDuration } from './duration.ts';
import { problemsOf } from './read.ts';
import { ScenarioError } from './scenario-error.ts';
import { scenarioKind, scenarioVersion } from './schema.ts';
import type { Scenario, ScenarioSpec, Variant } from './types.ts';

/** As the command line has them; lists are what is between commas. */
export interface ScenarioFlags {
  readonly from?: string | undefined;
  readonly format?: string | undefined;
  /** Which column of a table is what. */
  readonly mapping?: Readonly<Record<string, unknown>> | undefined;
  readonly lenient?: boolean | undefined;
  /** Nodes of `shape`. */
  readonly nodes?: number | undefined;
  readonly shape?: string | undefined;
  /** A file of nodes. */
  readonly cluster?: string | undefined;
  readonly placement?: readonly string[] | undefined;
  readonly ordering?: readonly string[] | undefined;
  readonly seeds?: number | undefined;
  readonly firstSeed?: number | undefined;
  readonly until?: string | undefined;
  readonly jobs?: number | undefined;
  readonly resample?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly preemption?: boolean | undefined;
  /** `h100=1.9`. */
  readonly speed?: readonly string[] | undefined;
  /** What-if, each a variant: `8xh100x8`, and factors. */
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
  readonly swap?: readonly string[] | undefined;
  readonly arrivals?: readonly string[] | undefined;
  readonly durations?: readonly string[] | undefined;
  readonly find?: string | undefined;
  readonly findShape?: string | undefined;
}

/** Throws ScenarioError where flags contradict each other, lack something, or say what is not there. */
export function scenarioFromFlags(flags: ScenarioFlags, base?: Scenario): Scenario {
  const { from, format, cluster, nodes, shape, find } = flags;
  if (base === undefined && from === undefined) {
    throw new ScenarioError(
      'nothing to simulate: name a scenario file, or a trace or recording with --from   (coracle sim --help shows how)',
    );
  }
  if (nodes !== undefined && shape === undefined) {
    throw new ScenarioError('--nodes needs --shape: what nodes? (such as a100x8)');
  }
  if (nodes !== undefined && cluster !== undefined) {
    throw new ScenarioError('--nodes and --cluster exclude each other');
  }
  if (shape !== undefined && nodes === undefined && find === undefined) {
    throw new ScenarioError('--shape needs --nodes (how many?) or --find');
  }
  const findShape = flags.findShape ?? shape ?? base?.spec.find?.shape;
  if (find !== undefined && findShape === undefined) {
    throw new ScenarioError('--find needs --shape: more of what nodes? (such as a100x8)');
  }
  for (const name of ['until', 'resample', 'checkpoint'] as const) {
    if (!wrongTime(flags[name])) continue;
    throw new ScenarioError(`--${name}: "${flags[name]}" is no length of time such as 30d, 4h or 1h30m`);
  }
  const before: ScenarioSpec = base?.spec ?? { cluster: {}, workload: {} };
  const variants = variantsOf(flags);
  const spec: ScenarioSpec = {
    ...before,
    ...(nodes !== undefined && { cluster: { pools: [{ shape: shape!, count: nodes }] } }),
    ...(cluster !== undefined && { cluster: { from: cluster } }),
    workload: {
      ...(from === undefined ? before.workload : { from }),
      ...(format !== undefined && { format }),
      ...given('mapping', flags.mapping),
      ...given('lenient', flags.lenient),
      ...given('jobs', flags.jobs),
      ...given('resample', flags.resample),
      ...given('checkpoint', flags.checkpoint),
    },
    ...given('placement', flags.placement),
    ...given('ordering', flags.ordering),
    ...given('seeds', flags.seeds),
    ...given('firstSeed', flags.firstSeed),
    ...given('until', flags.until),
    ...given('preemption', flags.preemption),
    ...(flags.speed && { speeds: { ...before.speeds, ...speedsOf(flags.speed) } }),
    ...(variants.length > 0 && { variants: [...(before.variants ?? []), ...variants] }),
    ...(find !== undefined && { find: { ...before.find, shape: findShape!, goal: find } }),
  };
  const [problem] = problemsOf({ apiVersion: scenarioVersion, kind: scenarioKind, spec });
  if (problem)
    throw new ScenarioError(`${placeOf(problem.path.replace(/^spec\./, ''), flags)}: ${problem.says}`);
  return { name: base?.name ?? from!.replace(/^.*[/\\]/, ''), spec };
}

/** Where the mistake is: the flag that says it, else the field of the scenario. */
function placeOf(path: string, flags: ScenarioFlags): string {
  const [, name = '', inner = ''] = /^([a-z]+)(?:\[\d+\])?\.?([a-z]*)/i.exec(path) ?? [];
  const by: Partial<Record<string, readonly (keyof ScenarioFlags)[]>> = {
    cluster: inner === 'pools' && flags.nodes !== undefined ? ['shape'] : [],
    workload: inner === 'mapping' ? ['mapping'] : [],
    placement: ['placement'],
    ordering: ['ordering'],
    speeds: ['speed'],
    find: inner === 'goal' ? ['find'] : ['findShape', 'shape'],
    variants: inner === 'add' || inner === 'remove' || inner === 'swap' ? [inner] : [],
  };
  const flag = (by[name] ?? []).find((one) => flags[one] !== undefined);
  if (flag === undefined) return path;
  if (flag === 'speed') return `--speed ${path.slice('speeds.'.length)}`;
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const given = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [name in K]?: V };

const wrongTime = (text: string | undefined): boolean =>
  text !== undefined && readDuration(text) === undefined;

function variantsOf({ add, remove, swap, arrivals, durations }: ScenarioFlags): Variant[] {
  return [
    ...(add ?? []).map((text) => ({
      add: lists(text, '--add').map(({ count, what }) => ({ count, shape: what })),
    })),
    ...(remove ?? []).map((text) => ({
      remove: lists(text, '--remove').map(({ count, what }) => ({ count, pool: what })),
    })),
    ...(swap ?? []).map((text) => ({ swap: [swapOf(text)] })),
    ...(arrivals ?? []).map((text) => ({ arrivals: factor(text, '--arrivals') })),
    ...(durations ?? []).map((text) => ({ durations: factor(text, '--durations') })),
  ];
}

/** `8xh100x8`, or several with plus signs: one variant. */
function lists(text: string, flag: string): { count: number; what: string }[] {
  return text.split('+').map((part) => {
    const [, count = '', what = ''] = /^(\d+)x(.+)$/.exec(part) ?? [];
    if (Number(count) > 0) return { count: Number(count), what };
    throw new ScenarioError(`${flag}: "${part}" is not how many of what: write 8xh100x8`);
  });
}

/** `v100x8=h100x8`, `4xv100x8=h100x8`. */
function swapOf(text: string): { pool: string; shape: string; count?: number } {
  const [left = '', shape = ''] = text.split('=');
  const [, count, pool = left] = /^(\d+)x([a-z].*)$/.exec(left) ?? [];
  if (shape === '' || left === '') {
    throw new ScenarioError(`--swap: "${text}" is not what for what: write v100x8=h100x8 or 4xv100x8=h100x8`);
  }
  return { pool, shape, ...(count !== undefined && { count: Number(count) }) };
}

/** `h100=1.9`, or several by commas. */
function speedsOf(texts: readonly string[]): Record<string, number> {
  const entries = texts
    .flatMap((text) => text.split(','))
    .map((text): [string, number] => {
      const [, model = '', speed = ''] = /^([^=]+)=([^=]+)$/.exec(text.trim()) ?? [];
      if (model === '') {
        throw new ScenarioError(`--speed: "${text}" is not how fast which cards are: write h100=1.9`);
      }
      return [model, factor(speed, '--speed')];
    });
  return Object.fromEntries(entries);
}

function factor(text: string, flag: string): number {
  const value = Number(text);
  if (text !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new ScenarioError(`${flag}: "${text}" is not a factor such as 1.2`);
}
