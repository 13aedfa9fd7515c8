/** The kubeconfig of an engine, on its own and merged into the user's. */
import type { Kubeconfig } from '@coracle/client';
import { kubeconfigPaths, writeKubeconfig } from '@coracle/client';
import { load } from 'js-yaml';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir } from 'node:os';

/** Context, cluster and user are all called this. */
const contextName = 'coracle';

/** A kubeconfig with one context: the administrator of the engine. PEM in, base64 out, as the format wants it. */
export function engineKubeconfig(
  server: string,
  authority: string,
  admin: { certificate: string; privateKey: string },
): Kubeconfig {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: contextName, cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name: contextName,
        user: {
          'client-certificate-data': base64(admin.certificate),
          'client-key-data': base64(admin.privateKey),
        },
      },
    ],
    contexts: [{ name: contextName, context: { cluster: contextName, user: contextName } }],
    'current-context': contextName,
  };
}

export interface Published {
  file: string;
  /** Name of the context, cluster and user in it. */
  context: string;
}

/**
 * Adds the engine to the user's kubeconfig ($KUBECONFIG's first file, or ~/.kube/config) and makes it current: as `coracle`, or as
 * `coracle-2`, ... where another engine that answers has that name. A name whose server is gone is taken over.
 */
export async function publishKubeconfig(
  engine: { server: string; kubeconfig: Kubeconfig },
  env: Readonly<Record<string, string | undefined>>,
): Promise<Published> {
  const [file] = kubeconfigPaths({ env, home: env['HOME'] ?? homedir() });
  if (!file) throw new Error('there is no place for a kubeconfig');
  const servers = await serversIn(file);
  let context = contextName;
  for (let n = 2; ; n++) {
    const server = servers.get(context);
    if (server === undefined || server === engine.server || !(await answers(server))) break;
    context = `${contextName}-${n}`;
  }
  await writeKubeconfig(file, renamed(engine.kubeconfig, context));
  return { file, context };
}

function renamed(config: Kubeconfig, name: string): Kubeconfig {
  return {
    ...config,
    clusters: config.clusters?.map((cluster) => ({ ...cluster, name })),
    users: config.users?.map((user) => ({ ...user, name })),
    contexts: config.contexts?.map(() => ({ name, context: { cluster: name, user: name } })),
    'current-context': name,
  };
}

/** Servers by the name of their cluster; empty for a file that is not there. One that cannot be read is for the writer to refuse. */
async function serversIn(file: string): Promise<Map<string, string>> {
  try {
    const config = load(await readFile(file, 'utf8')) as Kubeconfig | undefined;
    return new Map((config?.clusters ?? []).map(({ name, cluster }) => [name, cluster?.server ?? '']));
  } catch {
    return new Map();
  }
}

/** Does anybody listen there? */
function answers(server: string): Promise<boolean> {
  if (!URL.canParse(server)) return Promise.resolve(false);
  const { hostname, port } = new URL(server);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replaceAll(/[[\]]/g, ''),
      port: Number(port || 443),
      timeout: 500,
    });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}
