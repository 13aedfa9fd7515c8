/** From a scenario file's text to a scenario, or an error that names every wrong place, its line, and what is expected there. */
import { unknownFields, validate, type FieldError, type Schema } from '@coracle/machinery';
import { load, YAMLException } from 'js-yaml';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';
import { scenarioSchema } from './schema.ts';
import type { Scenario } from './types.ts';
import { specProblems } from './validate.ts';
import { placesOf } from './yaml-lines.ts';

const most = 20;

/** `file` is for messages and the default name. Throws ScenarioError. */
export function readScenario(text: string, file: string): Scenario {
  let value: unknown;
  try {
    value = load(text, { filename: file });
  } catch (error) {
    if (error instanceof YAMLException) {
      const { mark, reason } = error as { mark?: { line: number; column: number }; reason: string };
      const at = mark ? `:${mark.line + 1}:${mark.column + 1}` : '';
      throw new ScenarioError(`${file}${at}: it is no YAML: ${reason}`, { cause: error });
    }
    throw error;
  }
  const place = placesOf(text);
  const problems = problemsOf(value);
  if (problems.length > 0) {
    const lines = problems
      .map((problem) => ({ ...problem, ...place(problem.path) }))
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, path, says }) => `${file}:${line}: ${path === '' ? '' : `${path}: `}${says}`);
    const left = lines.length - most;
    throw new ScenarioError([...lines.slice(0, most), ...(left > 0 ? [`and ${left} more`] : [])].join('\n'));
  }
  const { metadata, spec } = value as { metadata?: { name?: string }; spec: Scenario['spec'] };
  const base = file.replace(/^.*[/\\]/, '').replace(/\.ya?ml$/, '');
  return { name: metadata?.name ?? base, spec };
}

export interface Problem {
  /** `spec.cluster.pools[0].count`. */
  readonly path: string;
  readonly says: string;
}

/** What is wrong with a scenario as a value. */
export function problemsOf(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [
      {
        path: '',
        says: 'a scenario is an object with apiVersion, kind and spec; jobs of a trace or recording go with --from',
      },
    ];
  }
  const unknown = unknownFields(scenarioSchema, value).map((path) => {
    const dot = path.lastIndexOf('.');
    const parent = schemaAt(path.slice(0, Math.max(0, dot)));
    const names = Object.keys(parent?.properties ?? {});
    const name = path.slice(dot + 1);
    return {
      path,
      says: `there is no such field${didYouMean(name, names) || `; there are ${names.join(', ')}`}`,
    };
  });
  const wrong = validate(scenarioSchema, value).map(worded);
  const found = [...unknown, ...wrong];
  if (found.length > 0) return found;
  return specProblems((value as { spec: Scenario['spec'] }).spec).map(({ path, says }) => ({
    path: `spec.${path}`,
    says,
  }));
}

function worded({ type, field, detail, badValue }: FieldError): Problem {
  const schema = schemaAt(field);
  const about = schema?.description ? ` (${lowerFirst(schema.description)})` : '';
  if (type === 'FieldValueNotSupported' && schema?.enum) {
    const words = schema.enum.map(String);
    const many = words.length > 1 ? `one of ${words.join(', ')}` : words[0];
    return {
      path: field,
      says: `it is ${JSON.stringify(badValue)}, not ${many}${didYouMean(String(badValue), words)}`,
    };
  }
  if (type === 'FieldValueRequired') return { path: field, says: `this field is missing${about}` };
  if (schema?.pattern !== undefined && typeof badValue === 'string' && type === 'FieldValueInvalid') {
    return { path: field, says: `${JSON.stringify(badValue)} is none${about}` };
  }
  return { path: field, says: `${(detail ?? '').replace(`${field} in body `, '')}${about}` };
}

function schemaAt(path: string): Schema | undefined {
  let schema: Schema | undefined = scenarioSchema;
  for (const part of path.split('.').filter((text) => text !== '')) {
    const name = part.replaceAll(/\[\d+\]/g, '');
    const rest: Schema | boolean | undefined = schema?.additionalProperties;
    schema = schema?.properties?.[name] ?? (typeof rest === 'object' ? rest : undefined);
    if (part.includes('[')) schema = schema?.items;
  }
  return schema;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
