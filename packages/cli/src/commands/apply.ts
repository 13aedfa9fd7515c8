/** `coracle apply`: makes the cluster have what manifests say, as kubectl's client-side apply does. */
import type { Client } from '@coracle/client';
import { createRegistry, isReason, type KindRegistry, type Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyPatchFor, manifestToApply } from '../apply-patch.ts';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { resourceOfKind, servedResources, type ServedResource } from '../discover.ts';
import { type Manifest, readManifests } from '../manifests.ts';
import { nameOf, parseOutput, printObjects } from '../print/objects.ts';

interface ApplyFlags {
  filename: string[];
  recursive?: boolean;
  dryRun?: string;
  output?: string;
  validate: string;
}
const validations: Record<string, 'Strict' | 'Warn' | 'Ignore'> = {
  strict: 'Strict',
  true: 'Strict',
  warn: 'Warn',
  ignore: 'Ignore',
  false: 'Ignore',
};
type Outcome = 'created' | 'configured' | 'unchanged';

/** Adds `coracle apply` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('apply')
    .summary('create or change objects as manifests say')
    .description(
      'Creates the objects of manifests, or changes those that are there to what the manifests say. What a manifest no longer ' +
        'says is removed; what others have set stays. Works together with kubectl apply on the same objects.',
    )
    .requiredOption('-f, --filename <path...>', 'files, folders, or - for standard input')
    .option('-R, --recursive', 'folders within folders too')
    .option(
      '--dry-run <where>',
      'server: check with the server and change nothing; client: only say what would be done',
    )
    .option('-o, --output <format>', 'print the objects: json, yaml, name, jsonpath=TEMPLATE')
    .option('--validate <how>', 'strict, warn or ignore: unknown fields', 'strict')
    .addHelpText(
      'after',
      `
Examples:
  coracle apply -f train.yaml
  coracle apply -f manifests/ -R
  cat pod.yaml | coracle apply -f -
  coracle apply -f train.yaml --dry-run=server -o yaml`,
    )
    .action((_flags: ApplyFlags, command: Command) =>
      withConnection<ApplyFlags>(context, command, (connection, flags) => apply(context, connection, flags)),
    );
}

async function apply(
  context: CliContext,
  connection: Connection,
  flags: ApplyFlags & { namespace?: string | undefined },
): Promise<void> {
  const dryRun = flags.dryRun ?? 'none';
  if (!['none', 'client', 'server'].includes(dryRun)) {
    throw new CliError(`--dry-run "${dryRun}" is not known; it is server, client or none`);
  }
  const validation = validations[flags.validate];
  if (!validation)
    throw new CliError(`--validate "${flags.validate}" is not known; it is strict, warn or ignore`);
  const format = parseOutput(flags.output);
  const manifests = await readManifests(flags.filename, context, { recursive: flags.recursive === true });
  if (manifests.length === 0) throw new CliError('the files hold no objects');
  const applier = new Applier(connection, {
    dryRun,
    validation,
    namespaceGiven: flags.namespace !== undefined,
    signal: context.signal,
  });
  const applied: Unstructured[] = [];
  for (const manifest of manifests) {
    const { object, outcome } = await applier.apply(manifest).catch((error: Error) => {
      throw located(manifest, error);
    });
    applied.push(object);
    const note = dryRun === 'none' ? '' : ` (${dryRun} dry run)`;
    if (format.kind === 'table') context.stdout.write(`${nameOf(object)} ${outcome}${note}\n`);
  }
  if (format.kind !== 'table') {
    context.stdout.write(printObjects(format, applied, { list: applied.length > 1 }));
  }
}

/** The error with the file, the document and the object it is about. */
function located({ object, source }: Manifest, error: Error): Error {
  if (error.name !== 'ApiError') return error;
  const name = object.metadata.name ?? '';
  return new CliError(`${source}: ${object.kind} ${name}: ${error.message}`, { cause: error });
}

/** How long a kind may take to be served after its CustomResourceDefinition was applied. */
const kindPatienceMs = 10_000;

interface ApplyOptions {
  dryRun: string;
  validation: 'Strict' | 'Warn' | 'Ignore';
  /** -n was given: it must agree with the manifests. */
  namespaceGiven: boolean;
  signal: AbortSignal;
}

/** Applies one manifest after another; asks the server what it serves once, and again after a new definition. */
class Applier {
  readonly #connection: Connection;
  readonly #options: ApplyOptions;
  #served: readonly ServedResource[] | undefined;
  #registry: KindRegistry | undefined;
  /** Kinds whose definitions were applied here. */
  readonly #defined = new Set<string>();

  constructor(connection: Connection, options: ApplyOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async apply(manifest: Manifest): Promise<{ object: Unstructured; outcome: Outcome }> {
    const { object, source } = manifest;
    if (!object.metadata.name) {
      throw new CliError(
        `${source}: apply needs metadata.name; generateName makes a new object each time (use coracle run)`,
      );
    }
    const type = await this.#typeOf(manifest);
    const namespace = type.namespaced ? this.#namespaceOf(manifest) : undefined;
    const wanted = manifestToApply(object, namespace);
    for (let tries = 0; ; tries++) {
      try {
        const result = await this.#once(type, namespace, wanted);
        if (object.kind === 'CustomResourceDefinition') this.#remember(object);
        return result;
      } catch (error) {
        // Somebody made, changed or deleted it between the read and the write.
        const race = isReason(error, 'Conflict') || isReason(error, 'AlreadyExists');
        if (!race || tries >= 4) throw error;
      }
    }
  }

  async #once(
    type: ServedResource,
    namespace: string | undefined,
    wanted: Unstructured,
  ): Promise<{ object: Unstructured; outcome: Outcome }> {
    const { client } = this.#connection;
    const { dryRun, validation, signal } = this.#options;
    const name = wanted.metadata.name;
    const write = {
      namespace,
      signal,
      fieldManager: 'kubectl-client-side-apply',
      fieldValidation: validation,
      dryRun: dryRun === 'server',
    };
    const current = await find(client, type, name, namespace, signal);
    if (!current) {
      if (dryRun === 'client') return { object: wanted, outcome: 'created' };
      return { object: await client.create(type, wanted, write), outcome: 'created' };
    }
    const { patchType, patch } = applyPatchFor(this.#kinds(), type, wanted, current);
    if (Object.keys(patch).length === 0) return { object: current, outcome: 'unchanged' };
    if (dryRun === 'client') return { object: current, outcome: 'configured' };
    return { object: await client.patch(type, name, patchType, patch, write), outcome: 'configured' };
  }

  #namespaceOf({ object, source }: Manifest): string {
    const { namespace } = this.#connection;
    const own = object.metadata.namespace;
    if (own && this.#options.namespaceGiven && own !== namespace) {
      throw new CliError(
        `${source}: ${object.kind} ${object.metadata.name} is for the namespace "${own}", and -n says "${namespace}"`,
      );
    }
    return own || namespace;
  }

  async #typeOf({ object, source }: Manifest): Promise<ServedResource> {
    const until = Date.now() + kindPatienceMs;
    for (;;) {
      this.#served ??= await servedResources(this.#connection.client);
      try {
        return resourceOfKind(this.#served, object.apiVersion, object.kind, source);
      } catch (error) {
        if (!this.#defined.has(object.kind) || Date.now() > until) throw error;
        this.#served = undefined;
        await sleep(50, undefined, { signal: this.#options.signal });
      }
    }
  }

  #remember(definition: Unstructured): void {
    const spec = definition['spec'] as { names?: { kind?: string } } | undefined;
    if (spec?.names?.kind) this.#defined.add(spec.names.kind);
    this.#served = undefined;
  }

  #kinds(): KindRegistry {
    this.#registry ??= createRegistry();
    return this.#registry;
  }
}

async function find(
  client: Client,
  type: ServedResource,
  name: string,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Unstructured | undefined> {
  try {
    return await client.get(type, name, { namespace, signal });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
