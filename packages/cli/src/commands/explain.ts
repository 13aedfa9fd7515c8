/**
 * `coracle explain`: of one word, the fields of a kind, from the server's OpenAPI documents; of a type and names, why that
 * object waits (explain/why.ts).
 */
import type { Client } from '@coracle/client';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { resourceByWord, servedResources, type ServedResource } from '../discover.ts';
import { explainWhy, type WhyFlags } from '../explain/why.ts';

interface ExplainFlags extends WhyFlags {
  recursive?: boolean;
}

/** Adds `coracle explain` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('explain')
    .summary('say why a pod or job waits; show the fields of a kind')
    .description(
      'Of TYPE NAME: why the pod, pod group or workload waits, what each node lacks, and what would help. ' +
        'Of TYPE alone: what fields the kind or one of its fields has, and of which type.',
    )
    .argument('[type-and-path]', 'TYPE or TYPE.FIELD.FIELD for fields; TYPE or TYPE/NAME to say why')
    .argument('[names...]', 'names of pods, pod groups, jobs, ...')
    .option(
      '-f, --filename <files...>',
      'manifests of what does not exist yet: would it run, and where? - is standard input',
    )
    .option('--trace', "every plugin's verdict and score on the nodes: 20 of them, or all with --all")
    .option('--all', 'all nodes')
    .option('-o, --output <format>', 'json or yaml')
    .option('--recursive', 'of fields: those of fields too')
    .addHelpText(
      'after',
      `
Examples:
  coracle explain pod web-0
  coracle explain job train
  coracle explain trainjob/digits podgroup/digits
  coracle explain pod web-0 --trace
  coracle explain -f pod.yaml
  coracle explain pods.spec.containers`,
    )
    .action((word: string | undefined, names: string[], _flags: ExplainFlags, command: Command) =>
      withConnection<ExplainFlags>(context, command, (connection, flags) => {
        const words = word === undefined ? [] : [word, ...names];
        if (names.length > 0 || word?.includes('/') || flags.filename) {
          return explainWhy(context, connection, words, flags);
        }
        if (word === undefined) throw new CliError('say what to explain: TYPE NAME, TYPE, or -f FILE');
        return explain(context, connection, word, flags);
      }),
    );
}

/** A schema of an OpenAPI v3 document, as far as it is read here. */
interface OpenApiSchema {
  type?: string;
  format?: string;
  description?: string;
  required?: string[];
  enum?: unknown[];
  properties?: Record<string, OpenApiSchema>;
  items?: OpenApiSchema;
  additionalProperties?: OpenApiSchema | boolean;
  allOf?: OpenApiSchema[];
  $ref?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}
type Schemas = Readonly<Record<string, OpenApiSchema>>;

async function explain(
  context: CliContext,
  { client }: Connection,
  word: string,
  flags: ExplainFlags,
): Promise<void> {
  const [head = '', ...path] = word.split('.');
  const type = resourceByWord(await servedResources(client), head);
  const schemas = await schemasOf(client, type, context.signal);
  const root = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      ({ group, version, kind }) => group === type.group && version === type.version && kind === type.kind,
    ),
  );
  if (!root) throw new CliError(`the server's OpenAPI document says nothing of ${type.kind}`);
  let schema = root;
  let shown = typeText(schemas, root);
  for (const [index, field] of path.entries()) {
    const whole = fieldsOf(schemas, schema);
    const next = whole.properties?.[field];
    if (!next) {
      const known = Object.keys(whole.properties ?? {}).join(', ') || 'none';
      throw new CliError(
        `${[head, ...path.slice(0, index)].join('.')} has no field "${field}"; it has ${known}`,
      );
    }
    shown = typeText(schemas, next);
    schema = next;
  }
  const whole = fieldsOf(schemas, schema);
  const description = schema.description ?? resolve(schemas, schema).description;
  context.stdout.write(
    [
      ...(type.group ? [`GROUP:      ${type.group}`] : []),
      `KIND:       ${type.kind}`,
      `VERSION:    ${type.version}`,
      '',
      ...(path.length > 0 ? [`FIELD: ${path.at(-1)} <${shown}>`, ''] : []),
      ...(description ? ['DESCRIPTION:', ...wrap(description, 76).map((line) => `    ${line}`), ''] : []),
      ...(whole.properties
        ? ['FIELDS:', ...fieldLines(schemas, whole, flags.recursive === true, 1, new Set())]
        : []),
    ].join('\n') + '\n',
  );
}

async function schemasOf(client: Client, type: ServedResource, signal: AbortSignal): Promise<Schemas> {
  const index = await client.getPath<{ paths: Record<string, { serverRelativeURL: string }> }>(
    '/openapi/v3',
    { signal },
  );
  const key = type.group === '' ? `api/${type.version}` : `apis/${type.group}/${type.version}`;
  const url = index.paths[key]?.serverRelativeURL;
  if (!url) throw new CliError(`the server has no OpenAPI document for ${key}`);
  const document = await client.getPath<{ components?: { schemas?: Schemas } }>(url, { signal });
  return document.components?.schemas ?? {};
}

/** Follows references; a lone `allOf` is how OpenAPI puts a description beside one. */
function resolve(schemas: Schemas, schema: OpenApiSchema): OpenApiSchema {
  const [only] = schema.allOf ?? [];
  if (only && schema.allOf?.length === 1 && !schema.type) return resolve(schemas, only);
  if (!schema.$ref) return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  return schemas[name] ?? {};
}

/** The schema that has the fields: of an element, for lists and maps. */
function fieldsOf(schemas: Schemas, schema: OpenApiSchema): OpenApiSchema {
  const whole = resolve(schemas, schema);
  if (whole.items) return fieldsOf(schemas, whole.items);
  if (!whole.properties && typeof whole.additionalProperties === 'object') {
    return fieldsOf(schemas, whole.additionalProperties);
  }
  return whole;
}

function typeText(schemas: Schemas, schema: OpenApiSchema): string {
  const whole = resolve(schemas, schema);
  if (whole.items) return `[]${typeText(schemas, whole.items)}`;
  if (whole['x-kubernetes-int-or-string'] || whole.format === 'int-or-string') return 'IntOrString';
  if (typeof whole.additionalProperties === 'object')
    return `map[string]${typeText(schemas, whole.additionalProperties)}`;
  const named = schema.$ref ?? schema.allOf?.[0]?.$ref;
  // A named type with no simple type of its own: an object with fields, or a Quantity.
  if (named && (whole.properties || whole.type === undefined)) return named.slice(named.lastIndexOf('.') + 1);
  return whole.type === 'object' || whole.type === undefined ? 'Object' : whole.type;
}

function fieldLines(
  schemas: Schemas,
  whole: OpenApiSchema,
  recursive: boolean,
  depth: number,
  above: ReadonlySet<OpenApiSchema>,
): string[] {
  const lines: string[] = [];
  for (const [name, field] of Object.entries(whole.properties ?? {}).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    const required = whole.required?.includes(name) ? ' -required-' : '';
    const values = resolve(schemas, field).enum;
    lines.push(`${'  '.repeat(depth)}${name}\t<${typeText(schemas, field)}>${required}`);
    if (values) lines.push(`${'  '.repeat(depth)}enum: ${values.join(', ')}`);
    const inner = fieldsOf(schemas, field);
    // JSONSchemaProps contains itself.
    if (recursive && !above.has(inner) && depth < 20) {
      lines.push(...fieldLines(schemas, inner, true, depth + 1, new Set([...above, inner])));
    }
  }
  return lines;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}
