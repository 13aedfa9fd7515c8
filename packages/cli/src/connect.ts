/** From the user's kubeconfig to a client. */
import { createClient, loadKubeconfig, transportFromKubeconfig } from '@coracle/client';
import { CliError } from './context.ts';
import type { Connection, ConnectionOptions } from './context.ts';
import { version } from './version.ts';

/** Connects as kubectl would. Throws CliError if there is no kubeconfig or it names nothing usable. */
export async function connect(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Connection> {
  throw new CliError('not yet');
}
