/** `coracle scheduler`: our scheduler, alone, for any Kubernetes cluster: beside the one it has, or in its place. */
import { ConnectionError } from '@coracle/client';
import { ApiError, parseDuration } from '@coracle/machinery';
import { createLogger, systemClock, type LogLevel } from '@coracle/operator';
import {
  createElectedScheduler,
  defaultProfile,
  SchedulerMetrics,
  type ElectionOptions,
  type Profile,
  type SchedulerSettings,
} from '@coracle/scheduler';
import type { Command } from 'commander';
import { dump, load } from 'js-yaml';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import { CliError, type CliContext, type Connection, type ConnectionOptions } from '../context.ts';
import { readSchedulerConfig } from '../engine/scheduler-config.ts';
import { serveHealth, type HealthServer } from '../scheduler/health.ts';
import { lackingRules, lackingText, rbacManifest } from '../scheduler/rules.ts';
import { guard, portNumber, stopped } from './up.ts';

interface SchedulerFlags extends ConnectionOptions {
  config?: string;
  schedulerName?: string;
  leaderElect?: boolean | string;
  leaderElectResourceName?: string;
  leaderElectResourceNamespace?: string;
  leaderElectLeaseDuration?: number;
  leaderElectRenewDeadline?: number;
  leaderElectRetryPeriod?: number;
  identity?: string;
  port: number;
  logLevel: LogLevel;
  printRbac?: boolean;
}

const defaultLease = 'coracle-scheduler';
/** Of the service account and the roles of --print-rbac. */
const accountName = 'coracle-scheduler';
const accountNamespace = 'kube-system';
/** Longest wait for a stop: a server that does not answer must not keep the process. */
const stopMs = 10_000;

const durationMs = (text: string): number => {
  const value = parseDuration(text);
  if (value === undefined || value <= 0) throw new CliError(`"${text}" is no duration such as 15s`);
  return value;
};

/** Adds `coracle scheduler` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('scheduler')
    .summary('run the scheduler alone, on any cluster')
    .description(
      'Runs the scheduler on the cluster that the kubeconfig names and binds the pods that ask for it ' +
        '(`schedulerName: coracle`). Several may run: they elect a leader, and another takes over when it ends.',
    )
    .option('--config <file>', 'profiles, queue and leader election: a KubeSchedulerConfiguration (v1)')
    .option(
      '--scheduler-name <name>',
      'schedulerName of the pods it binds (default: "coracle"); not with --config',
    )
    .option('--leader-elect [yes]', 'lead before scheduling; false if there is only ever one (default: true)')
    .option(
      '--identity <name>',
      'name in the lease, unique among those that bid; else made from the host name',
    )
    .option('--leader-elect-resource-name <name>', `name of the Lease (default: "${defaultLease}")`)
    .option('--leader-elect-resource-namespace <name>', 'namespace of the Lease (default: "kube-system")')
    .option(
      '--leader-elect-lease-duration <time>',
      'how long others wait for a silent leader (default: 15s)',
      durationMs,
    )
    .option(
      '--leader-elect-renew-deadline <time>',
      'how long a leader goes on without renewing (default: 10s)',
      durationMs,
    )
    .option(
      '--leader-elect-retry-period <time>',
      'time between renewals, and between bids (default: 2s)',
      durationMs,
    )
    .option(
      '-p, --port <n>',
      'of /healthz, /readyz and /metrics on 127.0.0.1; 0 takes a free one',
      portNumber,
      10251,
    )
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--print-rbac', 'print the service account and the roles it needs, and end')
    .addHelpText(
      'after',
      `
Examples:
  coracle scheduler --print-rbac | kubectl apply -f -
  coracle scheduler --kubeconfig scheduler.kubeconfig
  coracle scheduler --config scheduler.yaml --port 0
  coracle scheduler --scheduler-name gpu --leader-elect=false`,
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<SchedulerFlags>();
      const { settings, named } = await settingsOf(flags);
      const election = electionOf(flags, settings, named);
      if (flags.printRbac) printRbac(context, election);
      else await serve(context, flags, settings, election);
    });
}

/** The configuration, and the lease it names itself (a default would be that of the cluster's own scheduler). */
async function settingsOf(
  flags: SchedulerFlags,
): Promise<{ settings: SchedulerSettings | undefined; named: string | undefined }> {
  if (flags.config === undefined) return { settings: undefined, named: undefined };
  if (flags.schedulerName !== undefined) {
    throw new CliError('--scheduler-name does not go with --config: its profiles have names of their own');
  }
  const settings = await readSchedulerConfig(flags.config);
  const raw = load(await readFile(flags.config, 'utf8')) as {
    leaderElection?: { resourceName?: string };
  };
  return { settings, named: raw.leaderElection?.resourceName };
}

function electionOf(
  flags: SchedulerFlags,
  settings: SchedulerSettings | undefined,
  named: string | undefined,
): ElectionOptions | undefined {
  const from = settings?.leaderElection;
  const asked = flags.leaderElect;
  if (asked !== undefined && ![true, 'true', 'false'].includes(asked)) {
    throw new CliError(`--leader-elect is true or false, not "${String(asked)}"`);
  }
  if (asked === 'false' || (asked === undefined && from?.leaderElect === false)) return undefined;
  const time = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : parseDuration(text);
  const leaseDurationMs = flags.leaderElectLeaseDuration ?? time(from?.leaseDuration) ?? 15_000;
  const renewDeadlineMs = flags.leaderElectRenewDeadline ?? time(from?.renewDeadline) ?? 10_000;
  const retryPeriodMs = flags.leaderElectRetryPeriod ?? time(from?.retryPeriod) ?? 2_000;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs)) {
    throw new CliError(
      'the lease duration must be longer than the renew deadline, and that longer than the retry period: ' +
        `they are ${leaseDurationMs}, ${renewDeadlineMs} and ${retryPeriodMs} ms`,
    );
  }
  return {
    name: flags.leaderElectResourceName ?? named ?? defaultLease,
    namespace: flags.leaderElectResourceNamespace ?? from?.resourceNamespace ?? 'kube-system',
    identity: flags.identity ?? `${hostname()}_${randomUUID()}`,
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs,
  };
}

function printRbac(context: CliContext, election: ElectionOptions | undefined): void {
  const objects = rbacManifest({ name: accountName, namespace: accountNamespace, lease: election });
  context.stdout.write(objects.map((object) => dump(object, { lineWidth: -1, noRefs: true })).join('---\n'));
}

async function serve(
  context: CliContext,
  flags: SchedulerFlags,
  settings: SchedulerSettings | undefined,
  election: ElectionOptions | undefined,
): Promise<void> {
  const logger = createLogger({ level: flags.logLevel, write: (line) => context.stderr.write(line) });
  const profiles: readonly Profile[] = settings?.profiles ?? [
    defaultProfile({ schedulerName: flags.schedulerName ?? 'coracle' }),
  ];
  const path = flags.kubeconfig ?? (settings?.clientConnection.kubeconfig || undefined);
  const where: ConnectionOptions = { ...flags, kubeconfig: path };
  const connection = await context.connect(where);
  // The lease has connections of its own: a thousand bindings on their way must not hold up a renewal.
  const leases = election ? await context.connect(where) : undefined;
  const metrics = new SchedulerMetrics({ elapsed: () => performance.now() });
  const scheduler = createElectedScheduler({
    client: connection.client,
    clock: systemClock,
    logger,
    random: Math.random,
    election: election && leases && { ...election, client: leases.client },
    config: { profiles, ...(settings ? { queue: settings.queue } : {}) },
    metrics,
    component: profiles[0]!.schedulerName,
  });
  const stopGuarding = guard(logger);
  let health: HealthServer | undefined;
  try {
    await check(connection, election);
    health = await serveHealth({ host: '127.0.0.1', port: flags.port }, scheduler, metrics).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
        throw new CliError(`port ${flags.port} of 127.0.0.1 is taken: --port 0 takes a free one`, {
          cause: error,
        });
      },
    );
    const names = profiles.map(({ schedulerName }) => schedulerName).join(', ');
    context.stdout.write(
      `Scheduling pods of schedulerName ${names} on ${connection.server}.\n` +
        (election
          ? `Leader election: lease ${election.namespace}/${election.name}, as ${election.identity}.\n`
          : '') +
        `Health and metrics: http://127.0.0.1:${health.port}/readyz, /metrics\n`,
    );
    await scheduler.start();
    await stopped(context.signal);
  } finally {
    const timeout = new Promise<void>((resolve) => {
      setTimeout(resolve, stopMs).unref();
    });
    await Promise.race([scheduler.stop(), timeout]);
    await health?.close();
    await leases?.close();
    await connection.close();
    stopGuarding();
  }
}

/** Says at once, in words for users, what would keep the scheduler from its work for ever. */
async function check({ client, server }: Connection, election: ElectionOptions | undefined): Promise<void> {
  try {
    const lacking = await lackingRules(client, election);
    if (lacking.length === 0) return;
    throw new CliError(
      `this user may not: ${lackingText(lacking)}. ` +
        '`coracle scheduler --print-rbac` prints a service account with the roles it needs',
    );
  } catch (error) {
    if (error instanceof ApiError && error.code === 401) {
      throw new CliError(
        `${server} does not know this user (Unauthorized): the kubeconfig's token or certificate is not valid there`,
      );
    }
    if (error instanceof ConnectionError) throw new CliError(connectionText(server, error), { cause: error });
    throw error;
  }
}

function connectionText(server: string, error: ConnectionError): string {
  const { code } = error as { code?: string };
  if (code !== undefined && /CERT|SIGNATURE|ALTNAME|ISSUER/.test(code)) {
    return (
      `the certificate of ${server} is not trusted (${code}): the kubeconfig's certificate-authority is not ` +
      "that server's, or the certificate does not name the host"
    );
  }
  return `no answer from the cluster: ${error.message}`;
}
