/** Runs a built-in kind's strategy the way the write path does, without a server. */
import {
  applyDefaults,
  createRegistry,
  deepFreeze,
  errors,
  type FieldError,
  fieldErrorBody,
  jsonClone,
  type Unstructured,
  validate,
} from '@coracle/machinery';
import type { StrategyContext } from '../../src/contracts.ts';
import { strategyFor } from '../../src/strategy/index.ts';
import { context } from '../auth/fakes.ts';

const registry = createRegistry();

function kindOf(object: { apiVersion: string; kind: string }) {
  const [group = '', version = ''] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion];
  const kind = registry.byKind(group, version, object.kind);
  if (!kind) throw new Error(`no kind ${object.kind}`);
  return kind;
}
export type Body = { apiVersion: string; kind: string; metadata?: object; [field: string]: unknown };
export type Made = Unstructured & { spec: Record<string, unknown>; status: object };

const texts = (list: readonly FieldError[]): string[] => [
  ...new Set(list.map((one) => `${one.field}: ${fieldErrorBody(one)}`)),
];

function prepared(body: Body, ctx: StrategyContext): Unstructured {
  const kind = kindOf(body);
  const object = jsonClone(body) as Unstructured;
  object.metadata = {
    name: 'x',
    namespace: 'default',
    uid: 'the-uid',
    ...body.metadata,
  } as Unstructured['metadata'];
  applyDefaults(kind.schema, object);
  const strategy = strategyFor(kind.group, kind.resource);
  strategy.defaults?.(object);
  strategy.prepareForCreate?.(object, ctx);
  return object;
}

/** The created object, frozen. Throws the Invalid error the server would answer with. */
export function create(body: Body, ctx: StrategyContext = context()): Made {
  const kind = kindOf(body);
  const object = prepared(body, ctx);
  const list = [
    ...validate(kind.schema, object),
    ...(strategyFor(kind.group, kind.resource).validate?.(object, ctx) ?? []),
  ];
  if (list.length > 0) throw errors.invalid(kind, object.metadata.name, list);
  return deepFreeze(object) as Made;
}

/** What is wrong with a new object: `field: message`, each once. */
export function problems(body: Body): string[] {
  const kind = kindOf(body);
  const ctx = context();
  const object = prepared(body, ctx);
  return texts([
    ...validate(kind.schema, object),
    ...(strategyFor(kind.group, kind.resource).validate?.(object, ctx) ?? []),
  ]);
}

/** Changes an object as an update does: the new state, and what is wrong with it. */
export function update(
  old: Unstructured,
  change: (object: Made) => void,
  ctx: StrategyContext = context(),
  part: 'main' | 'status' = 'main',
): { object: Made; problems: string[] } {
  const kind = kindOf(old);
  const strategy = strategyFor(kind.group, kind.resource);
  const object = jsonClone(old) as Made;
  change(object);
  applyDefaults(kind.schema, object);
  strategy.defaults?.(object);
  if (part === 'main') strategy.prepareForUpdate?.(object, old, ctx);
  else strategy.prepareForStatusUpdate?.(object, old, ctx);
  const own =
    part === 'main'
      ? strategy.validateUpdate?.(object, old, ctx)
      : strategy.validateStatusUpdate?.(object, old, ctx);
  return { object, problems: texts([...validate(kind.schema, object), ...(own ?? [])]) };
}
