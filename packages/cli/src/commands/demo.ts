/** `coracle demo`: what `npm start` runs. Starts an engine with four declared GPUs and trains the digits example on it. */
import { createLogger } from '@coracle/operator';
import type { Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../context.ts';
import type { CliContext } from '../context.ts';
import { resourceOfKind, servedResources } from '../discover.ts';
import { startEngine } from '../engine/engine.ts';
import { homeOf } from '../engine/home.ts';
import { publishKubeconfig } from '../engine/kubeconfig.ts';
import { startError } from '../engine/start-error.ts';
import { readManifests } from '../manifests.ts';
import { inDirectory } from '../run/train-job.ts';
import { submit, watchToEnd, workerText } from './run.ts';
import { guard, portNumber, stopped } from './up.ts';

interface DemoFlags {
  once?: boolean;
  data?: string;
  port: number;
}

/** Adds `coracle demo` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('demo')
    .summary('start an engine and train the digits example on it')
    .description(
      'Starts an engine with four declared GPUs, trains the digits example with four workers, prints what came of it, ' +
        'then keeps serving until Ctrl-C.',
    )
    .option('--once', 'exit when the example has ended, and leave your kubeconfig alone')
    .option('--data <folder>', 'data folder', '.coracle')
    .option('-p, --port <n>', 'port; 0 takes a free one', portNumber, 0)
    .addHelpText('after', '\nExample:\n  coracle demo --once')
    .action((flags: DemoFlags) => demo(context, flags));
}

async function demo(context: CliContext, flags: DemoFlags): Promise<void> {
  const say = (text: string): unknown => context.stdout.write(`${text}\n`);
  const example = findExample();
  const home = homeOf(resolve(context.cwd, flags.data ?? '.coracle'), context.env);
  const logger = createLogger({ level: 'warn', write: (line) => context.stderr.write(line) });
  const stopGuarding = guard(logger);
  const engine = await startEngine({
    home,
    host: '127.0.0.1',
    port: flags.port,
    fakeGpus: 4,
    virtualNodes: 0,
    logger,
  }).catch((error: unknown) => {
    throw startError(error, { home, host: '127.0.0.1', port: flags.port });
  });
  try {
    say(
      `Engine up at ${engine.server} after ${Math.round(engine.readyMs)} ms: one node, four declared GPUs.`,
    );
    for (const note of engine.notes) say(`note: ${note}`);
    const merged = flags.once ? undefined : await publishKubeconfig(engine, context.env);
    const artifacts = join(home.root, 'artifacts', 'digits');
    const [manifest] = await readManifests([join(example, 'trainjob.yaml')], context);
    if (!manifest) throw new CliError(`${example}/trainjob.yaml is empty`);
    const job = withEnvironment(inDirectory(manifest.object, example), 'OUTPUT_DIR', artifacts);
    const type = resourceOfKind(
      await servedResources(engine.admin),
      job.apiVersion,
      job.kind,
      manifest.source,
    );
    say('Submitting examples/digits/trainjob.yaml: four workers, one GPU each.\n');
    // One that an earlier demo left in the middle would go on without anybody to watch it.
    const submitted = await submit(context, engine.admin, type, job, 'default', manifest.source, {
      replace: true,
    });
    const end = await watchToEnd(context, engine.admin, type, submitted, { ownEngine: true });
    if (!end.succeeded) {
      context.setExitCode(end.exitCode);
      if (end.exitCode === 130) say('Stopping. `npm start` begins again.');
      else if (flags.once) say('The example failed.');
      else say('The example failed. The engine keeps serving, so that you can look.');
    } else {
      const metrics = JSON.parse(await readFile(join(artifacts, 'metrics.json'), 'utf8')) as {
        accuracy: number;
        heldOut: number;
      };
      say('');
      say(
        `Test accuracy  ${(metrics.accuracy * 100).toFixed(2)} % on ${metrics.heldOut} digits the workers never trained on`,
      );
      say(`Wall time      ${end.seconds.toFixed(1)} s`);
      for (const worker of end.workers) say(`Worker         ${workerText(worker)}`);
      say(`Model          ${join(artifacts, 'model.json')}`);
      say(`Metrics        ${join(artifacts, 'metrics.json')}`);
    }
    if (flags.once || context.signal.aborted) return;
    say('');
    say('The engine keeps serving. In another terminal:');
    say(
      merged
        ? '  kubectl get trainjobs,pods'
        : `  export KUBECONFIG=${engine.kubeconfigPath ?? ''}; kubectl get trainjobs,pods`,
    );
    say('  npx coracle run --workers 2 -- python3 -c "import os; print(os.environ[\'RANK\'])"');
    say('  docs/ has the guide: start with docs/getting-started.md');
    say('Ctrl-C stops it; `npm start` goes on from what is stored.');
    await stopped(context.signal);
  } finally {
    await engine.close();
    stopGuarding();
  }
}

/** The folder of the digits example, above this file (in the sources as in the bundle). */
function findExample(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const example = join(folder, 'examples', 'digits');
    if (existsSync(join(example, 'trainjob.yaml'))) return example;
    if (folder === dirname(folder)) {
      throw new CliError('examples/digits is not there: `coracle demo` runs in a clone of the repository');
    }
  }
}

function withEnvironment(job: Unstructured, name: string, value: string): Unstructured {
  const copy = structuredClone(job);
  const trainer = (copy['spec'] as { trainer: { env?: { name: string; value: string }[] } }).trainer;
  trainer.env = [...(trainer.env ?? []).filter((e) => e.name !== name), { name, value }];
  return copy;
}
