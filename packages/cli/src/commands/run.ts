/** `coracle run`: submits a manifest or a command, shows its workers until it ends, and takes over its exit code. */
import { ApiError, isReason, parseQuantity } from '@coracle/machinery';
import type { ResourceType, Unstructured } from '@coracle/machinery';
import { createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import type { Client } from '@coracle/client';
import type { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { CliError } from '../context.ts';
import type { CliContext, ConnectionOptions } from '../context.ts';
import { resourceOfKind, servedResources } from '../discover.ts';
import { readManifests } from '../manifests.ts';
import { follow } from '../run/follow.ts';
import { metricsText } from '../run/metrics.ts';
import { canFollow, firstFailure, outcomeOf } from '../run/outcome.ts';
import { inDirectory, trainJobFor } from '../run/train-job.ts';
import { createRunView } from '../run/view.ts';
import type { WorkerRow } from '../run/view.ts';

interface RunFlags extends ConnectionOptions {
  workers: number;
  gpus: number;
  cpu?: string;
  memory?: string;
  env?: string[];
  name?: string;
  image?: string;
  runtime: string;
  detach?: boolean;
}

/** Adds `coracle run` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('run')
    .summary('run a manifest or a command to its end')
    .description(
      'Submits the objects of a manifest, or a TrainJob that runs a command on every worker, then shows each worker and its ' +
        'last metrics, and their logs, until the job ends. The exit code is that of the job.',
    )
    .argument('[file-or-command...]', 'a manifest (file, folder or -), or, after --, a command')
    .option('-w, --workers <n>', 'workers of the command', whole(1), 1)
    .option('-g, --gpus <n>', 'GPUs for each worker', whole(0), 0)
    .option('--cpu <quantity>', 'CPU request of each worker, like 500m or 2', quantity)
    .option('--memory <quantity>', 'memory request and limit of each worker, like 512Mi', quantity)
    .option('-e, --env <NAME=value>', 'a variable for each worker; may be repeated', collect)
    .option('--name <name>', 'name of the TrainJob; else made from the command')
    .option('--image <image>', 'container image, for nodes that run images')
    .option('--runtime <name>', 'ClusterTrainingRuntime of the command', 'plain')
    .option('-d, --detach', 'submit and return')
    .addHelpText(
      'after',
      `
Examples:
  coracle run examples/digits/trainjob.yaml
  coracle run --workers 4 --gpus 1 -- python3 train.py --epochs 3
  coracle run --workers 2 --runtime torch-distributed -- torchrun train.py

A worker finds the others by MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE (runtime plain), or by torchrun's PET_* as well
(runtime torch-distributed). Lines such as "loss=0.21 accuracy=0.95" in its log are shown as its metrics.
Ctrl-C asks whether to cancel the job or to leave it running.`,
    )
    .action(async (words: string[], flags: RunFlags, command: Command) => {
      const options = { ...command.optsWithGlobals<RunFlags>(), ...flags };
      const connection = await context.connect(options);
      try {
        const literal = context.argvAfterDashes !== undefined;
        const code = await run(context, connection.client, connection.namespace, words, options, literal);
        context.setExitCode(code);
      } finally {
        await connection.close();
      }
    });
}

async function run(
  context: CliContext,
  client: Client,
  namespace: string,
  words: readonly string[],
  flags: RunFlags,
  literal: boolean,
): Promise<number> {
  if (words.length === 0) {
    throw new CliError(
      'nothing to run: name a manifest, or write a command after --   (see coracle run --help)',
    );
  }
  const served = await servedResources(client);
  const objects = literal
    ? [
        {
          object: trainJobFor({
            ...flags,
            env: flags.env ?? [],
            namespace,
            command: words,
            directory: context.cwd,
            random: Math.random,
          }),
          source: 'the command',
        },
      ]
    : (await readManifests(words, context)).map((m) => ({
        ...m,
        object: inDirectory(m.object, m.directory),
      }));
  const planned = objects.map(({ object, source }) => ({
    object,
    source,
    type: resourceOfKind(served, object.apiVersion, object.kind, source),
  }));
  const submitted: { object: Unstructured; type: ResourceType<Unstructured> }[] = [];
  for (const { object, source, type } of planned) {
    submitted.push({ object: await submit(context, client, type, object, namespace, source), type });
  }
  const followed = flags.detach ? [] : submitted.filter(({ object }) => canFollow(object.kind));
  for (const item of submitted) {
    const shown = followed.length === 1 && followed[0] === item && context.stdout.isTTY === true;
    const { kind, metadata } = item.object;
    if (!shown) context.stdout.write(`${kind.toLowerCase()}/${metadata.name} submitted\n`);
  }
  // One after the other: what has ended meanwhile shows its whole log when its turn comes.
  let code = 0;
  for (const [index, { type, object }] of followed.entries()) {
    const end = await watchToEnd(context, client, type, object);
    code ||= end.exitCode;
    if (!context.signal.aborted) continue;
    for (const { object: left } of followed.slice(index + 1)) {
      context.stderr.write(`${left.kind.toLowerCase()}/${left.metadata.name} goes on\n`);
    }
    return 130;
  }
  return code;
}

export interface RunEnd {
  exitCode: number;
  workers: readonly WorkerRow[];
  seconds: number;
  succeeded: boolean;
}

/** Shows a submitted workload until it ends or the user leaves it. */
export async function watchToEnd(
  context: CliContext,
  client: Client,
  type: ResourceType<Unstructured>,
  object: Unstructured,
  options: { /** Ctrl-C ends the engine, too: there is nothing to ask. */ ownEngine?: boolean } = {},
): Promise<RunEnd> {
  const started = Date.now();
  const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
  const colour = context.stdout.isTTY === true && !context.env['NO_COLOR'];
  const view = createRunView(context.stdout, {
    colour,
    now: Date.now,
    later: (draw) => void setTimeout(draw, 30),
  });
  const ticking = setInterval(() => view.tick(), 1000);
  const what = `${object.kind.toLowerCase()}/${object.metadata.name}`;
  try {
    const end = await follow({ client, informers, clock: systemClock }, type, object, view, context.signal);
    view.close();
    const seconds = (Date.now() - started) / 1000;
    if (!end) {
      if (!options.ownEngine) await leave(context, client, type, object);
      return { exitCode: 130, workers: view.workers, seconds, succeeded: false };
    }
    const { outcome, pods } = end;
    const succeeded = outcome.done && outcome.ok;
    if (succeeded) {
      context.stdout.write(`${what}: ${outcome.text} after ${seconds.toFixed(1)} s\n`);
      return { exitCode: 0, workers: view.workers, seconds, succeeded };
    }
    const failure = firstFailure(pods);
    context.stderr.write(`${what}: ${outcome.text}\n`);
    if (failure) {
      context.stderr.write(
        `first failure: ${failure.pod}, exit code ${failure.exitCode}${failureText(failure)}; its log: coracle logs ${failure.pod}\n`,
      );
    }
    return { exitCode: failure?.exitCode || 1, workers: view.workers, seconds, succeeded };
  } finally {
    clearInterval(ticking);
    view.close();
    informers.stop();
  }
}

/** ` (OOMKilled)`, ` (StartError: exec: "trian.py": executable file not found in $PATH)`; `Error` says nothing. */
function failureText({ reason, message }: { reason?: string; message?: string }): string {
  const said = [reason === 'Error' ? '' : reason, message?.trim().split('\n').at(-1)].filter(Boolean);
  return said.length > 0 ? ` (${said.join(': ')})` : '';
}

/** One line of a worker's end state: name, GPU, metrics. */
export function workerText(worker: WorkerRow): string {
  return `${worker.name}  ${worker.gpus.join(',') || 'no GPU'}  ${metricsText(worker.metrics)}`;
}

/** Creates an object; one of the same name that has ended is replaced, one that runs is an error, unless `replace`. */
export async function submit(
  context: CliContext,
  client: Client,
  type: ResourceType<Unstructured>,
  object: Unstructured,
  namespace: string,
  source: string,
  options: { replace?: boolean } = {},
): Promise<Unstructured> {
  const target = type.namespaced ? { namespace: object.metadata.namespace ?? namespace } : {};
  const create = (): Promise<Unstructured> =>
    client.create(type, object, { ...target, fieldValidation: 'Strict', fieldManager: 'coracle' });
  try {
    return await create();
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw withSource(error, source);
  }
  const { name } = object.metadata;
  const there = await client.get(type, name, target);
  if (!canFollow(object.kind)) {
    // A helper object (a ConfigMap, a runtime): take the manifest's state.
    return client.patch<Unstructured>(type, name, 'merge', object, { ...target, fieldManager: 'coracle' });
  }
  const outcome = outcomeOf(there);
  if (!outcome.done && !options.replace) {
    throw new CliError(
      `${object.kind} ${name} is there already and has not ended (${outcome.text}); ` +
        `see it with: coracle logs -f ${object.kind.toLowerCase()}/${name}   or end it with: coracle delete ${type.resource} ${name}`,
    );
  }
  context.stderr.write(`${object.kind} ${name} of before (${outcome.text}) is replaced\n`);
  await client.delete(type, name, { ...target, propagationPolicy: 'Foreground' });
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await create();
    } catch (error) {
      const waiting = isReason(error, 'AlreadyExists') && Date.now() < deadline && !context.signal.aborted;
      if (!waiting) throw withSource(error, source);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function withSource(error: unknown, source: string): unknown {
  return error instanceof ApiError ? new CliError(`${source}: ${error.message}`, { cause: error }) : error;
}

/** After Ctrl-C: on a terminal asks, elsewhere leaves the job running and says so. */
async function leave(
  context: CliContext,
  client: Client,
  type: ResourceType<Unstructured>,
  object: Unstructured,
): Promise<void> {
  const { name, namespace } = object.metadata;
  const what = `${object.kind.toLowerCase()}/${name}`;
  let cancel = false;
  if (context.stdin.isTTY && context.stdout.isTTY) {
    const question = createInterface({ input: context.stdin, output: process.stderr });
    const answer = await Promise.race([
      question.question(`\nCancel ${what}? [y/N] `),
      new Promise<string>((resolve) => question.once('SIGINT', () => resolve(''))),
    ]);
    question.close();
    cancel = /^y(es)?$/i.test(answer.trim());
  }
  if (cancel) {
    await client.delete(type, name, { ...(namespace ? { namespace } : {}), propagationPolicy: 'Background' });
    context.stderr.write(`${what} is being cancelled\n`);
  } else {
    context.stderr.write(
      `${what} goes on. See it with: coracle logs -f ${what}   cancel it with: coracle delete ${type.resource} ${name}\n`,
    );
  }
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
/** A quantity as the API writes it, checked before the server refuses it in longer words. */
function quantity(text: string): string {
  try {
    parseQuantity(text);
    return text;
  } catch {
    throw new CliError(`"${text}" is not a quantity: write 500m or 2 (CPUs), 512Mi or 4Gi (memory)`);
  }
}
function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new CliError(`"${text}" is not a whole number of ${least} or more`);
    }
    return value;
  };
}
