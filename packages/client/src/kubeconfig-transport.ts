import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Transport } from './client.ts';
import { httpsTransport, type HttpsTransportOptions, type Impersonation } from './https.ts';
import { type ExecPlugin, KubeconfigError, type LoadedKubeconfig, type UserEntry } from './kubeconfig.ts';

/** The transport to a kubeconfig's cluster as its user. Rejects with KubeconfigError when a file it names cannot be read. */
export async function transportFromKubeconfig(
  { cluster, user, env }: Pick<LoadedKubeconfig, 'cluster' | 'user' | 'env'>,
  options: {
    userAgent?: string | undefined;
    timeoutMs?: number | undefined;
    impersonate?: Impersonation | undefined;
    onWarning?: ((text: string) => void) | undefined;
  } = {},
): Promise<Transport> {
  const plugin = user.exec ? await runPlugin(user.exec, env) : undefined;
  return httpsTransport({
    server: cluster.server,
    ca: await dataOrFile(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert:
      plugin?.clientCertificateData ??
      (await dataOrFile(user['client-certificate-data'], user['client-certificate'])),
    key: plugin?.clientKeyData ?? (await dataOrFile(user['client-key-data'], user['client-key'])),
    token: plugin?.token ?? tokenOf(user),
    username: user.username,
    password: user.password,
    tlsServerName: cluster['tls-server-name'],
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'],
    impersonate: options.impersonate ?? impersonationOf(user),
    userAgent: options.userAgent,
    timeoutMs: options.timeoutMs,
    onWarning: options.onWarning,
  });
}

async function dataOrFile(data: string | undefined, file: string | undefined): Promise<Buffer | undefined> {
  if (data) return Buffer.from(data, 'base64');
  if (!file) return undefined;
  try {
    return await readFile(file);
  } catch (error) {
    throw new KubeconfigError(
      'incomplete',
      `the kubeconfig names a file that cannot be read: ${(error as Error).message}`,
      error,
    );
  }
}

/** A token file is read again once a minute: its owner renews it. */
function tokenOf(user: UserEntry): HttpsTransportOptions['token'] {
  const file = user.tokenFile;
  if (!file) return user.token;
  let token: string | undefined;
  let readAt = -Infinity;
  return async () => {
    if (performance.now() - readAt > 60_000) {
      token = (await readFile(file, 'utf8')).trim();
      readAt = performance.now();
    }
    return token;
  };
}

function impersonationOf(user: UserEntry): Impersonation | undefined {
  if (!user.as) return undefined;
  return { user: user.as, uid: user['as-uid'], groups: user['as-groups'], extra: user['as-user-extra'] };
}

interface ExecCredentialStatus {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
}

/** Runs a credential plugin (client.authentication.k8s.io) and takes what it prints. */
async function runPlugin(
  plugin: ExecPlugin,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExecCredentialStatus> {
  const apiVersion = plugin.apiVersion ?? 'client.authentication.k8s.io/v1';
  const request = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const extra = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
  try {
    const { stdout } = await promisify(execFile)(plugin.command, plugin.args ?? [], {
      env: { ...env, ...extra, KUBERNETES_EXEC_INFO: JSON.stringify(request) },
      timeout: 60_000,
    });
    const answer = JSON.parse(stdout) as { status?: ExecCredentialStatus };
    if (!answer.status) throw new Error('it printed no status');
    return answer.status;
  } catch (error) {
    const hint = plugin.installHint ? `\n${plugin.installHint.trim()}` : '';
    throw new KubeconfigError(
      'incomplete',
      `the credential plugin "${plugin.command}" failed: ${(error as Error).message}${hint}`,
      error,
    );
  }
}
