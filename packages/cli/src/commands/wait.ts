/** `coracle wait`: waits until objects are in a state. */
import { compileJsonPath, type Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { servedResources } from '../discover.ts';
import { kindName } from '../print/table.ts';
import { type ChoiceFlags, chooseObjects, parseTargets } from '../targets.ts';
import { parseTimeout } from '../timeout.ts';
import { waitForObject, WaitTimeout } from '../wait-for.ts';

interface WaitFlags extends ChoiceFlags {
  for: string;
  timeout: string;
}

/** Adds `coracle wait` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('wait')
    .summary('wait until objects are in a state')
    .description(
      'Waits until every object named has the condition. The exit code is 1 when the time is over.',
    )
    .argument('<type-and-names...>', 'TYPE NAME..., TYPE/NAME..., or TYPE with -l or --all')
    .requiredOption('--for <what>', "condition=NAME[=STATUS], delete, create, or jsonpath='{.path}'[=VALUE]")
    .option('--timeout <duration>', 'like 30s or 5m; 0 looks once', '30s')
    .option('-l, --selector <labels>', 'all objects of TYPE with these labels')
    .option('--field-selector <fields>', 'all objects of TYPE with these fields')
    .option('--all', 'all objects of TYPE in the namespace')
    .option('-A, --all-namespaces', 'with -l or --all: in every namespace')
    .addHelpText(
      'after',
      `
Examples:
  coracle wait trainjob/digits --for=condition=Complete --timeout=10m
  coracle wait pod/web --for=jsonpath='{.status.phase}'=Running
  coracle wait pods -l app=web --for=delete`,
    )
    .action((words: string[], _flags: WaitFlags, command: Command) =>
      withConnection<WaitFlags>(context, command, (connection, flags) =>
        wait(context, connection, words, flags),
      ),
    );
}

/** What is waited for, and whether an object (undefined: none of that name) has it. */
export interface Goal {
  text: string;
  met(object: Unstructured | undefined): boolean;
  /** Objects that are not there are no mistake of the user's. */
  absenceAllowed: boolean;
}

/** Reads the value of --for. Throws CliError. */
export function parseGoal(text: string): Goal {
  const lower = text.toLowerCase();
  if (lower === 'delete')
    return { text: 'deletion', met: (object) => object === undefined, absenceAllowed: true };
  if (lower === 'create')
    return { text: 'creation', met: (object) => object !== undefined, absenceAllowed: true };
  if (lower.startsWith('condition=')) {
    const [name = '', status = 'True'] = text.slice('condition='.length).split('=');
    return {
      text: `condition ${name}=${status}`,
      met: (object) => hasCondition(object, name, status),
      absenceAllowed: false,
    };
  }
  const path = /^jsonpath=(\{[^]*\}|[^=]+)(?:=([^]*))?$/.exec(text);
  if (path?.[1]) return jsonPathGoal(path[1], path[2]);
  throw new CliError(
    `--for="${text}" is not known; it is condition=NAME[=STATUS], delete, create or jsonpath='{.path}'[=VALUE]`,
  );
}

function hasCondition(object: Unstructured | undefined, name: string, status: string): boolean {
  const { conditions, observedGeneration } = (object?.['status'] ?? {}) as {
    conditions?: { type: string; status: string; observedGeneration?: number }[];
    observedGeneration?: number;
  };
  const condition = conditions?.find(({ type }) => type.toLowerCase() === name.toLowerCase());
  if (!condition || condition.status.toLowerCase() !== status.toLowerCase()) return false;
  // A condition of an older spec says nothing about this one.
  const seen = condition.observedGeneration ?? observedGeneration;
  return seen === undefined || seen >= (object?.metadata.generation ?? 0);
}

function jsonPathGoal(path: string, value: string | undefined): Goal {
  let values: (object: unknown) => unknown[];
  try {
    values = compileJsonPath(path);
  } catch (cause) {
    throw new CliError(`--for: "${path}" is no JSONPath: ${(cause as Error).message}`, { cause });
  }
  const wanted = value?.replace(/^(['"])([^]*)\1$/, '$2');
  return {
    text: `${path}${wanted === undefined ? '' : ` to be ${wanted}`}`,
    met: (object) => {
      const found = object === undefined ? [] : values(object);
      return wanted === undefined ? found.length > 0 : found.length === 1 && textOf(found[0]) === wanted;
    },
    absenceAllowed: false,
  };
}

const textOf = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

async function wait(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: WaitFlags,
): Promise<void> {
  const goal = parseGoal(flags.for);
  const timeoutMs = parseTimeout(flags.timeout) ?? 0;
  const objects = await chooseObjects(
    context,
    connection,
    parseTargets(words, await servedResources(connection.client), 'wait'),
    flags,
  );
  if (objects.length === 0 && flags.for !== 'delete')
    throw new CliError('no objects match: there is nothing to wait for');
  const { client } = connection;
  const { signal } = context;
  let failed = false;
  await Promise.all(
    objects.map(async ({ type, name, namespace }) => {
      const shown = `${kindName(type)}/${name}`;
      if (!goal.absenceAllowed) await client.get(type, name, { namespace, signal });
      try {
        await waitForObject(client, type, { name, namespace }, goal.met, { timeoutMs, signal });
        const done =
          goal.text === 'deletion' ? 'deleted' : goal.text === 'creation' ? 'created' : 'condition met';
        context.stdout.write(`${shown} ${done}\n`);
      } catch (error) {
        if (!(error instanceof WaitTimeout)) throw error;
        failed = true;
        context.stderr.write(
          `coracle: ${shown}: ${flags.timeout} are over, still waiting for ${goal.text}${standing(error.last)}\n`,
        );
      }
    }),
  );
  if (failed) context.setExitCode(1);
}

/** The conditions as they are, so that the user need not ask again. */
function standing(object: Unstructured | undefined): string {
  if (!object) return ' (it is not there)';
  const { conditions, phase } = (object['status'] ?? {}) as {
    conditions?: { type: string; status: string; reason?: string }[];
    phase?: string;
  };
  const parts = (conditions ?? []).map(
    ({ type, status, reason }) => `${type}=${status}${reason ? ` (${reason})` : ''}`,
  );
  if (phase) parts.unshift(`phase ${phase}`);
  return parts.length > 0 ? `; now: ${parts.join(', ')}` : '';
}
