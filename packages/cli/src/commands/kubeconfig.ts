/** `coracle kubeconfig`: the way other programs reach the cluster. */
import {
  type Kubeconfig,
  KubeconfigError,
  kubeconfigPaths,
  loadKubeconfig,
  type LoadedKubeconfig,
  readKubeconfig,
  writeKubeconfig,
} from '@coracle/client';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { CliError, type CliContext, type ConnectionOptions } from '../context.ts';
import { homeOf, runningEngine } from '../engine/home.ts';
import { toYaml } from '../print/objects.ts';

/** Adds `coracle kubeconfig` to the program. */
export function register(program: Command, context: CliContext): void {
  const kubeconfig = program
    .command('kubeconfig')
    .summary('print, find or merge the kubeconfig')
    .description('The kubeconfig of the engine that runs, or of the context in use.')
    .addHelpText(
      'after',
      '\nExamples:\n  coracle kubeconfig > cluster.yaml\n  coracle kubeconfig merge ~/.kube/config',
    );
  kubeconfig
    .command('print', { isDefault: true })
    .description(
      'Prints a kubeconfig with the one context, certificates included: enough for kubectl anywhere on this machine.',
    )
    .option('--data <folder>', 'of the engine in this data folder')
    .addHelpText(
      'after',
      '\nExample:\n  coracle kubeconfig > cluster.yaml && kubectl --kubeconfig cluster.yaml get nodes',
    )
    .action(async (flags: { data?: string }, command: Command) => {
      const options = command.optsWithGlobals<ConnectionOptions & { data?: string }>();
      const loaded = await chosen(context, options, flags.data);
      context.stdout.write(toYaml(await alone(loaded)));
    });
  kubeconfig
    .command('path')
    .description('Prints where the kubeconfig in use lies.')
    .option('--data <folder>', 'of the engine in this data folder')
    .addHelpText('after', '\nExample:\n  export KUBECONFIG=$(coracle kubeconfig path)')
    .action(async (flags: { data?: string }, command: Command) => {
      const options = command.optsWithGlobals<ConnectionOptions & { data?: string }>();
      const { files } = await chosen(context, options, flags.data);
      context.stdout.write(`${files.join('\n')}\n`);
    });
  kubeconfig
    .command('merge')
    .description(
      'Adds the context to another kubeconfig, leaving everything else in it alone, and makes it current.',
    )
    .argument('[file]', 'the kubeconfig to add to; else $KUBECONFIG, else ~/.kube/config')
    .option('--data <folder>', 'of the engine in this data folder')
    .addHelpText('after', '\nExample:\n  coracle kubeconfig merge ~/.kube/config')
    .action(async (file: string | undefined, flags: { data?: string }, command: Command) => {
      const options = command.optsWithGlobals<ConnectionOptions & { data?: string }>();
      const loaded = await chosen(context, options, flags.data, true);
      const [usual = ''] = kubeconfigPaths({ env: context.env, home: context.env['HOME'] ?? homedir() });
      const target = resolve(context.cwd, file ?? usual);
      if (loaded.files.includes(target)) {
        throw new CliError(`${target} has the context "${loaded.context}" already`);
      }
      await writeKubeconfig(target, await alone(loaded)).catch((cause: Error) => {
        throw cause instanceof KubeconfigError ? new CliError(cause.message, { cause }) : cause;
      });
      context.stdout.write(`context "${loaded.context}" is now in ${target}, and current\n`);
    });
}

/**
 * The kubeconfig of --data; of --kubeconfig or the environment; or of an engine that runs. `engineFirst`: an engine that runs
 * goes before the environment (whose file is where it is to be merged).
 */
async function chosen(
  context: CliContext,
  options: ConnectionOptions,
  data: string | undefined,
  engineFirst = false,
): Promise<LoadedKubeconfig> {
  const from = { env: context.env, home: context.env['HOME'] ?? homedir(), context: options.context };
  const home = homeOf(data, context.env);
  try {
    if (data !== undefined) return await loadKubeconfig({ ...from, path: home.kubeconfig });
    if (options.kubeconfig)
      return await loadKubeconfig({ ...from, path: resolve(context.cwd, options.kubeconfig) });
    const engine = await runningEngine(home);
    const known = engine && (await readKubeconfig(home.kubeconfig));
    if (known && engineFirst) return await loadKubeconfig({ ...from, path: home.kubeconfig });
    try {
      return await loadKubeconfig(from);
    } catch (error) {
      if (!known || options.context) throw error;
      return await loadKubeconfig({ ...from, path: home.kubeconfig });
    }
  } catch (cause) {
    if (!(cause instanceof KubeconfigError)) throw cause;
    const advice = cause.code === 'missing' ? '. Start a cluster with: coracle up' : '';
    throw new CliError(`${cause.message}${advice}`, { cause });
  }
}

/** The one context with what it needs; files it names are put in, so that it can be carried elsewhere. */
async function alone({ config, context, cluster, user }: LoadedKubeconfig): Promise<Kubeconfig> {
  const entry = config.contexts.find(({ name }) => name === context);
  if (!entry) throw new Error(`context ${context} is gone`);
  const inline = async <T extends Record<string, unknown>>(part: T, names: readonly string[]): Promise<T> => {
    const copy: Record<string, unknown> = { ...part };
    for (const name of names) {
      const file = copy[name];
      if (typeof file !== 'string') continue;
      delete copy[name];
      copy[`${name}-data`] ??= (await readFile(file)).toString('base64');
    }
    return copy as T;
  };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: entry.context.cluster, cluster: await inline(cluster, ['certificate-authority']) }],
    users: [{ name: entry.context.user, user: await inline(user, ['client-certificate', 'client-key']) }],
    contexts: [entry],
    'current-context': context,
  };
}
