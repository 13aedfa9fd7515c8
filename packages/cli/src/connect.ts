/** From the user's kubeconfig to a client. */
import { createClient, KubeconfigError, loadKubeconfig, transportFromKubeconfig } from '@coracle/client';
import type { LoadedKubeconfig } from '@coracle/client';
import { homedir } from 'node:os';
import { CliError } from './context.ts';
import type { Connection, ConnectionOptions } from './context.ts';
import { homeOf, runningEngine } from './engine/home.ts';
import { version } from './version.ts';

/**
 * Connects as kubectl would; with no kubeconfig of the user's, to the engine that runs in the usual data folder. Throws CliError
 * if neither is there.
 */
export async function connect(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Connection> {
  const config = await choose(options, env);
  const transport = await transportFromKubeconfig(config, { userAgent: `coracle/${version}` });
  return {
    client: createClient(transport),
    namespace: options.namespace ?? config.namespace,
    server: config.cluster.server,
    close: () => transport.close(),
  };
}

async function choose(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoadedKubeconfig> {
  const from = { env, home: env['HOME'] ?? homedir(), context: options.context };
  try {
    return await loadKubeconfig({ ...from, path: options.kubeconfig });
  } catch (cause) {
    if (!(cause instanceof KubeconfigError)) throw cause;
    const none = cause.code === 'missing' || (cause.code === 'no-context' && !options.context);
    if (!none || options.kubeconfig) throw new CliError(cause.message, { cause });
    const home = homeOf(undefined, env);
    if (await runningEngine(home)) return loadKubeconfig({ ...from, path: home.kubeconfig });
    throw new CliError(`no cluster: ${cause.message}. Start one with: coracle up`, { cause });
  }
}
