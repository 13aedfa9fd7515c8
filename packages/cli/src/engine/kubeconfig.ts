/** The kubeconfig of an engine, on its own and merged into the user's. */
import type { Kubeconfig } from '@coracle/client';
import { kubeconfigPaths, writeKubeconfig } from '@coracle/client';
import { homedir } from 'node:os';
import type { Engine } from './engine.ts';

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

/** Adds the engine to the user's kubeconfig ($KUBECONFIG's first file, or ~/.kube/config) and makes it current. Returns the file. */
export async function publishKubeconfig(
  engine: Engine,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const [file] = kubeconfigPaths({ env, home: env['HOME'] ?? homedir() });
  if (!file) throw new Error('there is no place for a kubeconfig');
  await writeKubeconfig(file, engine.kubeconfig);
  return file;
}
