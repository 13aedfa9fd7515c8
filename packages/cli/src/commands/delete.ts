/** `coracle delete`: deletes objects, and waits until they are gone. */
import { isReason, type Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { resourceOfKind, servedResources } from '../discover.ts';
import { readManifests } from '../manifests.ts';
import { kindName } from '../print/table.ts';
import { type ChoiceFlags, chooseObjects, type ChosenObject, parseTargets } from '../targets.ts';
import { waitForObject, WaitTimeout } from '../wait-for.ts';
import { parseTimeout } from '../timeout.ts';

interface DeleteFlags extends ChoiceFlags {
  filename?: string[];
  recursive?: boolean;
  wait: boolean;
  timeout?: string;
  now?: boolean;
  force?: boolean;
  gracePeriod?: string;
  cascade: string;
  ignoreNotFound?: boolean;
  dryRun?: string;
  output?: string;
}
const propagation: Record<string, 'Background' | 'Foreground' | 'Orphan'> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
};

/** Adds `coracle delete` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('delete')
    .summary('delete objects')
    .description('Deletes objects by name, by label or by manifest, and waits until they are gone.')
    .argument('[type-and-names...]', 'TYPE NAME..., TYPE/NAME..., or TYPE with -l or --all')
    .option('-f, --filename <path...>', 'the objects of these files, folders, or - for standard input')
    .option('-R, --recursive', 'with -f: folders within folders too')
    .option('-l, --selector <labels>', 'all objects of TYPE with these labels')
    .option('--field-selector <fields>', 'all objects of TYPE with these fields')
    .option('--all', 'all objects of TYPE in the namespace')
    .option('-A, --all-namespaces', 'with -l or --all: in every namespace')
    .option('--no-wait', 'return at once')
    .option('--timeout <duration>', 'wait no longer than this, like 30s or 5m')
    .option('--now', 'give containers one second to end')
    .option('--grace-period <seconds>', "time containers get to end; else the pod's own")
    .option(
      '--force',
      'take pods off the API without waiting for their node; their processes may live on for a while',
    )
    .option('--cascade <how>', 'background, foreground or orphan: what becomes of dependents', 'background')
    .option('--ignore-not-found', 'an object that is not there is no error')
    .option('--dry-run <where>', 'server or client: change nothing')
    .option('-o, --output <format>', 'name: print names only')
    .addHelpText(
      'after',
      `
Examples:
  coracle delete trainjob digits
  coracle delete -f train.yaml
  coracle delete pods -l app=web --now
  coracle delete job/a job/b --no-wait`,
    )
    .action((words: string[], _flags: DeleteFlags, command: Command) =>
      withConnection<DeleteFlags>(context, command, (connection, flags) =>
        remove(context, connection, words, flags),
      ),
    );
}

async function remove(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: DeleteFlags,
): Promise<void> {
  const propagationPolicy = propagation[flags.cascade];
  if (!propagationPolicy) {
    throw new CliError(`--cascade "${flags.cascade}" is not known; it is background, foreground or orphan`);
  }
  const grace = graceSeconds(flags);
  const timeoutMs = parseTimeout(flags.timeout);
  const { client } = connection;
  const { signal } = context;
  const doomed = await chosen(context, connection, words, flags);
  const started: (ChosenObject & { uid: string })[] = [];
  for (const { type, name, namespace } of doomed) {
    const options = {
      namespace,
      signal,
      propagationPolicy,
      dryRun: flags.dryRun === 'server',
      gracePeriodSeconds: grace,
    };
    try {
      let uid: string | undefined;
      if (flags.dryRun !== 'client') {
        const before = flags.wait ? await client.get(type, name, { namespace, signal }) : undefined;
        const left = await client.delete(type, name, options);
        uid = left?.metadata.uid ?? before?.metadata.uid;
      }
      const note = flags.dryRun ? ` (${flags.dryRun} dry run)` : flags.force ? ' force' : '';
      const where = namespace ? ` from ${namespace} namespace` : '';
      context.stdout.write(
        flags.output === 'name'
          ? `${kindName(type)}/${name}\n`
          : `${kindName(type)} "${name}"${note.startsWith(' force') ? ' force' : ''} deleted${where}${flags.dryRun ? note : ''}\n`,
      );
      if (uid && !flags.dryRun) started.push({ type, name, namespace, uid });
    } catch (error) {
      if (flags.ignoreNotFound && isReason(error, 'NotFound')) continue;
      throw error;
    }
  }
  if (!flags.wait) return;
  await Promise.all(
    started.map(async ({ type, name, namespace, uid }) => {
      const gone = (object: Unstructured | undefined): boolean => object?.metadata.uid !== uid;
      try {
        await waitForObject(client, type, { name, namespace }, gone, { timeoutMs, signal });
      } catch (error) {
        if (!(error instanceof WaitTimeout)) throw error;
        throw new CliError(
          `${kindName(type)}/${name} is still there after ${flags.timeout}: ${whyHeld(error.last)}`,
        );
      }
    }),
  );
}

/** What keeps a deleted object from going. */
function whyHeld(object: Unstructured | undefined): string {
  const finalizers = object?.metadata.finalizers ?? [];
  if (finalizers.length > 0) return `it waits for ${finalizers.join(', ')}`;
  return 'its node has not confirmed that it ended';
}

function graceSeconds(flags: DeleteFlags): number | undefined {
  if (flags.now && flags.gracePeriod !== undefined)
    throw new CliError('--now and --grace-period exclude each other');
  if (flags.gracePeriod === undefined) return flags.now ? 1 : flags.force ? 0 : undefined;
  const seconds = Number(flags.gracePeriod);
  if (!Number.isInteger(seconds) || seconds < -1)
    throw new CliError(`--grace-period "${flags.gracePeriod}" is no number of seconds`);
  if (seconds === 0 && !flags.force) return 1;
  return seconds < 0 ? undefined : seconds;
}

async function chosen(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: DeleteFlags,
): Promise<ChosenObject[]> {
  const served = await servedResources(connection.client);
  if (flags.filename) {
    const manifests = await readManifests(flags.filename, context, { recursive: flags.recursive === true });
    return manifests.map(({ object, source }) => {
      const type = resourceOfKind(served, object.apiVersion, object.kind, source);
      if (!object.metadata.name) throw new CliError(`${source}: an object without a name cannot be deleted`);
      const namespace = type.namespaced ? (object.metadata.namespace ?? connection.namespace) : undefined;
      return { type, name: object.metadata.name, namespace };
    });
  }
  const doomed = await chooseObjects(context, connection, parseTargets(words, served, 'delete'), flags);
  if (doomed.length === 0) context.stderr.write('No resources found\n');
  return doomed;
}
