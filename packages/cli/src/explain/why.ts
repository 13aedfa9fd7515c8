/** `coracle explain pod|job|... NAME` and `coracle explain -f FILE`: why it waits, and what would help. */
import type { Client } from '@coracle/client';
import { isReason, type Unstructured } from '@coracle/machinery';
import { Pod, type PodTemplateSpec } from '@coracle/machinery/api';
import {
  explanationText,
  traceText,
  type ExplainAnswer,
  type ExplainQuery,
  type TextOptions,
} from '@coracle/scheduler';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { servedResources, type ServedResource } from '../discover.ts';
import { readManifests } from '../manifests.ts';
import { printObjects } from '../print/objects.ts';
import { styleFor } from '../print/style.ts';
import { parseTargets } from '../targets.ts';
import { explainerFor, type Explainer } from './explainer.ts';
import { explainWorkload, type WorkloadReport } from './workload.ts';

export interface WhyFlags {
  filename?: string[];
  output?: string;
  trace?: boolean;
  all?: boolean;
}

/** As many nodes as anybody has. */
const allNodes = 100_000;

interface Answer {
  /** What `-o json` prints. */
  readonly value: object;
  text(options: TextOptions): string;
}

/** Runs the command. `words`: TYPE NAME... or TYPE/NAME...; none with `-f`. */
export async function explainWhy(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: WhyFlags,
): Promise<void> {
  const { output } = flags;
  if (output !== undefined && output !== 'json' && output !== 'yaml') {
    throw new CliError(`-o "${output}" is not known; known are json, yaml`);
  }
  const { client } = connection;
  const served = await servedResources(client);
  const answers: Answer[] = [];
  const notes = new Set<string>();
  const asking = async (
    schedulerName: string,
    ask: (explainer: Explainer) => Promise<Answer>,
  ): Promise<void> => {
    const explainer = await explainerFor(client, served, schedulerName);
    try {
      answers.push(await ask(explainer));
      if (explainer.note) notes.add(explainer.note);
    } finally {
      await explainer.close();
    }
  };
  const limit = flags.all ? allNodes : undefined;
  const extra = { ...(flags.trace ? { trace: true } : {}), ...(limit === undefined ? {} : { limit }) };

  for (const { template, namespace } of await templatesIn(context, connection, flags.filename ?? [])) {
    await asking(template.spec?.schedulerName ?? 'default-scheduler', (explainer) =>
      oneAnswer(explainer, { namespace, template, ...extra }),
    );
  }
  for (const { type, names } of words.length > 0 ? parseTargets(words, served, 'explain') : []) {
    for (const name of names) {
      const { namespace } = connection;
      const schedulerName = await schedulerOf(client, type, name, namespace);
      await asking(schedulerName, (explainer) => {
        if (type.resource === 'pods' && type.group === '')
          return oneAnswer(explainer, { namespace, pod: name, ...extra });
        if (type.resource === 'podgroups') {
          return oneAnswer(explainer, { namespace, podGroup: { name, group: type.group }, ...extra });
        }
        const options = { namespace, trace: flags.trace === true, limit, signal: context.signal };
        return explainWorkload(client, explainer, served, type, name, options).then(workloadAnswer);
      });
    }
  }
  if (output) {
    const values = answers.map(({ value }) => value as unknown as Unstructured);
    context.stdout.write(
      printObjects({ kind: output }, values, { list: values.length > 1, managedFields: true }),
    );
    return;
  }
  const style = styleFor(context.stdout, context.env);
  const options = { bold: style.bold, good: style.green, bad: style.yellow };
  context.stdout.write(answers.map((answer) => answer.text(options)).join('\n'));
  for (const note of notes) context.stderr.write(`note: ${note}\n`);
}

async function oneAnswer(explainer: Explainer, query: ExplainQuery): Promise<Answer> {
  const answer = await explainer.explain(query);
  return { value: answer, text: (options) => answerText(answer, options) };
}

function answerText({ explanation, trace }: ExplainAnswer, options: TextOptions): string {
  const why = explanationText(explanation, options);
  return trace ? `${why}\n${traceText(trace, options)}` : why;
}

function workloadAnswer(report: WorkloadReport): Answer {
  return {
    value: report,
    text: (options) => {
      const { bold = (text: string) => text } = options;
      const { subject, summary, holdups, remedies, waiting } = report;
      const parts = [`${bold(`${subject.kind} ${subject.namespace}/${subject.name}`)}\n  ${summary}\n`];
      const section = (title: string, rows: readonly string[]): void => {
        if (rows.length > 0) parts.push(`${bold(title)}\n${rows.map((row) => `  ${row}\n`).join('')}`);
      };
      section(
        'Held up',
        holdups.map(({ about, reason, message }) => `${about}: ${reason}: ${message}`),
      );
      section(
        'What would help',
        remedies.map(({ text }) => `- ${text}`),
      );
      for (const { pods, ...answer } of waiting) {
        const more = pods.length > 5 ? `, and ${pods.length - 5} more` : '';
        const alike = `${pods.length} pods alike (${pods.slice(0, 5).join(', ')}${more}), for example:\n`;
        parts.push(`${pods.length > 1 ? alike : ''}${answerText(answer, options)}`);
      }
      return parts.join('\n');
    },
  };
}

/** Whose rules apply. Asked only for a cluster whose own scheduler cannot be. */
async function schedulerOf(
  client: Client,
  type: ServedResource,
  name: string,
  namespace: string,
): Promise<string> {
  if (type.resource !== 'pods' || type.group !== '') return 'default-scheduler';
  try {
    return (await client.get(Pod, name, { namespace })).spec?.schedulerName ?? 'default-scheduler';
  } catch (error) {
    if (isReason(error, 'NotFound') || isReason(error, 'Forbidden')) return 'default-scheduler';
    throw error;
  }
}

/** The pods that manifests would make: of pods themselves, and of what holds a pod template. */
async function templatesIn(
  context: CliContext,
  connection: Connection,
  paths: readonly string[],
): Promise<{ template: PodTemplateSpec; namespace: string }[]> {
  if (paths.length === 0) return [];
  const manifests = await readManifests(paths, context);
  return manifests.map(({ object, source }) => {
    const namespace = object.metadata.namespace ?? connection.namespace;
    const { name } = object.metadata;
    const spec = (object['spec'] ?? {}) as PodTemplateSpec['spec'] & { template?: PodTemplateSpec };
    if (object.kind === 'Pod')
      return { template: { metadata: object.metadata, spec } as PodTemplateSpec, namespace };
    const inner = object.kind === 'CronJob' ? templateOfCronJob(object) : spec?.template;
    if (!inner?.spec?.containers) {
      throw new CliError(
        `${source}: a ${object.kind} holds no pod template; give a Pod, Job, Deployment, ...`,
      );
    }
    return {
      template: { ...inner, metadata: { ...inner.metadata, ...(name ? { name } : {}) } } as PodTemplateSpec,
      namespace,
    };
  });
}

function templateOfCronJob(object: Unstructured): PodTemplateSpec | undefined {
  const { jobTemplate } = (object['spec'] ?? {}) as {
    jobTemplate?: { spec?: { template?: PodTemplateSpec } };
  };
  return jobTemplate?.spec?.template;
}
