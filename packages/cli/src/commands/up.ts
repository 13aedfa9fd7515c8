/** `coracle up`: starts the engine, makes kubectl work with it, and says what to do next. */
import { type Command, Option } from 'commander';
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { declaredTopologies, type DeclaredTopology } from '@coracle/node';
import { createLogger, type Logger } from '@coracle/operator';
import { defaultProfile } from '@coracle/scheduler';
import { CliError } from '../context.ts';
import type { CliContext } from '../context.ts';
import { startEngine } from '../engine/engine.ts';
import type { Engine, EngineOptions } from '../engine/engine.ts';
import { homeOf, runningEngine } from '../engine/home.ts';
import { publishKubeconfig } from '../engine/kubeconfig.ts';
import type { Published } from '../engine/kubeconfig.ts';
import { livingEngine } from '../engine/living-engine.ts';
import { makeFolder } from '../engine/make-folder.ts';
import { readSchedulerConfig } from '../engine/scheduler-config.ts';
import { startError } from '../engine/start-error.ts';

export interface UpFlags {
  data?: string;
  host: string;
  port: number;
  fakeGpus?: number;
  fakeGpuTopology?: DeclaredTopology;
  fakeGpuMig?: boolean;
  virtualNodes: number;
  nodes?: string[];
  shape?: string;
  seed?: number;
  nodeName?: string;
  schedulerConfig?: string;
  gangJobs?: boolean;
  schedulerNames?: readonly string[];
  /** commander's form of --no-scheduler. */
  scheduler: boolean;
  /** commander's form of --no-node. */
  node: boolean;
  /** commander's form of --no-kubeconfig. */
  kubeconfigMerge: boolean;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  detach?: boolean;
  inMemory?: boolean;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text)) throw new CliError(`"${text}" is not a whole number`);
  return value;
};
/** Reads `--port`. Throws CliError. */
export const portNumber = (text: string): number => {
  const value = whole(text);
  if (value > 65_535)
    throw new CliError(`"${text}" is not a port: they end at 65535, and 0 takes a free one`);
  return value;
};

const words = (text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new CliError(`"${text}" is no list of names such as default-scheduler,gpu`);
  return names;
};

/** Adds `coracle up` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('up')
    .summary('start the engine')
    .description(
      'Starts the engine in this process: the Kubernetes API, controllers, scheduler and a node that runs pods as processes ' +
        'of this machine. Adds the context `coracle` to your kubeconfig. Ctrl-C stops it; what is stored stays.',
    )
    .option('--data <folder>', 'data folder; else $CORACLE_HOME, else ~/.coracle')
    .option('--in-memory', 'keep nothing on disk')
    .option(
      '--host <address>',
      'address to listen on; anything but loopback opens the API to your network',
      '127.0.0.1',
    )
    .option('-p, --port <n>', 'port to listen on; 0 takes a free one', portNumber, 6443)
    .option('--fake-gpus <n>', 'declare so many GPUs on this node instead of looking for real ones', whole)
    .addOption(
      new Option('--fake-gpu-topology <kind>', 'how declared GPUs are linked').choices(declaredTopologies),
    )
    .option('--fake-gpu-mig', 'declared GPUs can be had in partitions (MIG), through claims')
    .option(
      '--virtual-nodes <n>',
      'add so many nodes that only pretend to run pods; beside a real node they are tainted coracle.dev/virtual=true:NoSchedule',
      whole,
      0,
    )
    .option(
      '--nodes <pools>',
      'the same by shape: 1000 with --shape, or 8xh100x8,100xcpu64; may be given again',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--shape <name>', 'what each of --nodes has: cards and how many (a100x8), or cores (cpu64)')
    .option(
      '--seed <n>',
      'what befalls virtual nodes and pods by chance (delays, weights, failures) comes out the same again; else at random',
      whole,
    )
    .option('--no-node', 'no node that runs processes: only virtual ones, without the taint')
    .option('--node-name <name>', "this node's name; else the host's")
    .option('--scheduler-config <file>', 'profiles of the scheduler: a KubeSchedulerConfiguration (v1)')
    .option(
      '--scheduler-names <names>',
      'schedulerNames it serves, by commas; another scheduler may serve others',
      words,
    )
    .option('--gang-jobs', 'Indexed Jobs whose pods all run at a time start together or not at all')
    .option('--no-scheduler', 'no scheduler: pods wait for one that you run (coracle scheduler)')
    .option('--no-kubeconfig-merge', 'leave your kubeconfig alone (the data folder has one of its own)')
    .option('--log-level <level>', 'debug, info, warn or error', 'warn')
    .option('-d, --detach', 'run in the background; coracle down stops it')
    .addHelpText(
      'after',
      `
Examples:
  coracle up
  coracle up --detach --fake-gpus 4
  coracle up --fake-gpus 8 --fake-gpu-topology dgx
  coracle up --scheduler-config scheduler.yaml
  coracle up --in-memory --port 0 --virtual-nodes 1000 --no-node
  coracle up --nodes 1000 --shape a100x8 --no-node
  coracle up --nodes 8xh100x8 --nodes 100xcpu64 --no-node
  coracle up --in-memory --nodes 1000 --shape a100x8 --no-node --seed 7`,
    )
    .action(async (flags: UpFlags) => {
      if (flags.detach) await detach(context, flags);
      else await serve(context, flags);
    });
}

async function serve(context: CliContext, flags: UpFlags): Promise<void> {
  const home = homeOf(flags.data, context.env);
  const logger = createLogger({ level: flags.logLevel, write: (line) => context.stderr.write(line) });
  const scheduler = await schedulerOf(flags);
  const virtual = await virtualOf(flags);
  const where = { home: flags.inMemory ? undefined : home, host: flags.host, port: flags.port };
  const engine = await startEngine({
    ...(flags.inMemory ? {} : { home }),
    host: flags.host,
    port: flags.port,
    ...(flags.fakeGpus === undefined ? {} : { fakeGpus: flags.fakeGpus }),
    ...(flags.fakeGpuTopology === undefined ? {} : { fakeGpuTopology: flags.fakeGpuTopology }),
    ...(flags.fakeGpuMig ? { fakeGpuMig: true } : {}),
    ...virtual,
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(flags.gangJobs ? { gangJobs: true } : {}),
    ...(flags.node ? (flags.nodeName ? { nodeName: flags.nodeName } : {}) : { nodeName: false as const }),
    logger,
    progress: waiting(context.stderr),
    signal: context.signal,
  }).catch((error: unknown) => {
    throw startError(error, where);
  });
  const stopGuarding = guard(logger);
  try {
    const merged = flags.kubeconfigMerge ? await publishKubeconfig(engine, context.env) : undefined;
    await engine.noteReady(merged ? { kubeconfig: merged.file, context: merged.context } : {});
    welcome(context, engine, merged, !flags.node && virtual.virtualNodes > 0);
    await stopped(context.signal);
    context.stderr.write('stopping ...\n');
  } finally {
    await engine.close();
    stopGuarding();
  }
}

/** What the flags say of virtual nodes. */
async function virtualOf(flags: UpFlags): Promise<Pick<EngineOptions, 'virtualNodes' | 'virtualShape'>> {
  const { nodes, shape, virtualNodes } = flags;
  if (nodes === undefined) {
    if (shape !== undefined) throw new CliError('--shape needs --nodes: --nodes 1000 --shape a100x8');
    return { virtualNodes };
  }
  if (virtualNodes > 0) throw new CliError('--nodes and --virtual-nodes exclude each other');
  const { nodePools, virtualPools } = await import('../engine/virtual-pools.ts');
  return virtualPools(nodes.flatMap(nodePools), shape);
}

/** What the flags say of the engine's scheduler. Undefined: nothing; false: there is to be none. */
async function schedulerOf(flags: UpFlags): Promise<EngineOptions['scheduler']> {
  const { schedulerConfig, schedulerNames } = flags;
  const given = [schedulerConfig !== undefined, schedulerNames !== undefined, !flags.scheduler];
  if (given.filter(Boolean).length > 1) {
    throw new CliError('--scheduler-config, --scheduler-names and --no-scheduler exclude each other');
  }
  if (!flags.scheduler) return false;
  if (schedulerConfig !== undefined) return readSchedulerConfig(schedulerConfig);
  return (
    schedulerNames && { profiles: schedulerNames.map((schedulerName) => defaultProfile({ schedulerName })) }
  );
}

/**
 * A promise that somebody forgot to look after is a bug, and told as one, but no reason to end a cluster that serves others.
 * Errors thrown past everything else still end the process: after those nothing is known to be whole.
 */
export function guard(logger: Logger): () => void {
  const report = (reason: unknown): void => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    logger.error({ error: text }, 'a bug: an error that nobody looked after; the engine goes on');
  };
  process.on('unhandledRejection', report);
  return () => void process.off('unhandledRejection', report);
}

/** Shows what a long start is at, a line every two seconds: a short one says nothing. */
function waiting(stderr: CliContext['stderr']): (text: string) => void {
  let shownAt = performance.now();
  return (text) => {
    if (performance.now() - shownAt < 2000) return;
    shownAt = performance.now();
    stderr.write(`${text} ...\n`);
  };
}

/** What to do next. `pretends`: no node runs anything. */
export function welcome(
  context: CliContext,
  engine: Engine,
  merged: Published | undefined,
  pretends = false,
): void {
  const lines = [
    `Coracle is up at ${engine.server} (ready after ${Math.round(engine.readyMs)} ms).`,
    ...(engine.notes.length > 0 ? engine.notes.map((note) => `note: ${note}`) : []),
    ...(merged || engine.kubeconfigPath
      ? [kubeconfigText(merged ? { ...merged, kubeconfig: merged.file } : {}, engine.kubeconfigPath ?? '')]
      : []),
    '',
    'Next, in another terminal:',
    '  kubectl get nodes',
    ...(pretends
      ? [
          '  kubectl create deployment web --image=example.org/web --replicas=100',
          '  kubectl get pods -o wide',
        ]
      : [
          '  coracle run --workers 2 -- python3 -c "import os; print(os.environ[\'RANK\'])"',
          '  coracle get pods -A',
        ]),
    '',
    'Ctrl-C stops it.',
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}

function kubeconfigText(published: { kubeconfig?: string; context?: string }, own: string): string {
  return published.kubeconfig
    ? `kubeconfig: context "${published.context}" in ${published.kubeconfig}`
    : `kubeconfig: export KUBECONFIG=${own}`;
}

/** Resolves when the user or the system asks the process to stop. */
export async function stopped(signal: AbortSignal): Promise<void> {
  // A referenced timer keeps the process alive even if everything else is idle.
  const alive = setInterval(() => {}, 1 << 30);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(alive);
}

async function detach(context: CliContext, flags: UpFlags): Promise<void> {
  if (flags.inMemory) throw new CliError('--detach needs a data folder: leave --in-memory out');
  const home = homeOf(flags.data, context.env);
  const before = await livingEngine(home);
  if (before)
    throw new CliError(`an engine runs in ${home.root} already (process ${before.pid}, ${before.server})`);
  const where = { home, host: flags.host, port: flags.port };
  await makeFolder(home.root).catch((error: unknown) => {
    throw startError(error, where);
  });
  const log = await open(home.log, 'a', 0o600);
  const { size: logged } = await log.stat();
  const words = process.argv.slice(1).filter((word) => word !== '--detach' && word !== '-d');
  const child = spawn(process.execPath, [...process.execArgv, ...words], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  let exit: number | null | undefined;
  child.on('exit', (code) => {
    exit = code;
  });
  for (;;) {
    const engine = await runningEngine(home);
    if (engine?.ready && engine.pid === child.pid) {
      context.stdout.write(
        `Coracle is up at ${engine.server} (process ${engine.pid}, log ${home.log}).\n${kubeconfigText(engine.ready, home.kubeconfig)}\nStop it with: coracle down${flags.data ? ` --data ${flags.data}` : ''}\n`,
      );
      break;
    }
    if (exit !== undefined) {
      const said = (await readFile(home.log)).subarray(logged).toString('utf8').trim();
      throw new CliError(
        said.split('\n').length === 1 && said.startsWith('coracle: ')
          ? said.slice('coracle: '.length)
          : `the engine did not start; the end of its log, ${home.log}:\n${said.slice(-2000)}`,
      );
    }
    if (context.signal.aborted) throw new CliError('interrupted', { exitCode: 130 });
    await sleep(20);
  }
  child.unref();
  await log.close();
}
