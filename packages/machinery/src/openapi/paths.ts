/** The paths of OpenAPI documents: for every kind its verbs and subresources, with what kubectl reads from them. */
import { answersDeletedObject } from '../deleted-object.ts';
import type { Kind, Subresource } from '../kind.ts';
import { apiVersionOf } from '../resource-type.ts';
import type { Definitions, GroupVersionKind, OpenApiForm, OpenApiSchema } from './definitions.ts';

type Operation = Record<string, unknown>;
interface Parameter {
  name: string;
  in: 'query' | 'path';
  type: 'string' | 'integer' | 'boolean';
}

const query = (name: string, type: Parameter['type'] = 'string'): Parameter => ({ name, in: 'query', type });
const listParameters: Parameter[] = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue'),
  query('fieldSelector'),
  query('labelSelector'),
  query('limit', 'integer'),
  query('resourceVersion'),
  query('resourceVersionMatch'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
const writeParameters: Parameter[] = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
const deleteParameters: Parameter[] = [
  query('dryRun'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy'),
];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
const answerTypes = ['application/json', 'application/yaml', 'application/json;stream=watch'];

/** Writes paths of one document. */
export class Paths {
  readonly all: Record<string, OpenApiSchema> = {};
  readonly #form: OpenApiForm;
  readonly #definitions: Definitions;
  constructor(form: OpenApiForm, definitions: Definitions) {
    this.#form = form;
    this.#definitions = definitions;
  }

  addKind(kind: Kind): void {
    const { object, list } = this.#definitions.addKind(kind);
    const root = `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}`;
    const base = kind.namespaced ? `${root}/namespaces/{namespace}` : root;
    const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
    const has = (verb: string): boolean => kind.verbs.includes(verb);
    const make = (
      method: string,
      action: string,
      answer: OpenApiSchema,
      more: Partial<Details> = {},
    ): Operation =>
      this.#operation({
        id: `${method}${idOf(kind)}`,
        action,
        gvk,
        tag: tagOf(kind),
        answer,
        parameters: [],
        ...more,
      });
    const status = this.#definitions.addNamed('meta.v1.Status');
    const deleteBody = this.#definitions.addNamed('meta.v1.DeleteOptions');

    const collection: OpenApiSchema = {};
    if (has('list')) collection['get'] = make('list', 'list', list, { parameters: listParameters });
    if (has('create')) {
      collection['post'] = make('create', 'post', object, { body: object, parameters: writeParameters });
    }
    if (has('deletecollection')) {
      const parameters = [...deleteParameters, ...listParameters];
      const details = { body: deleteBody, parameters };
      collection['delete'] = make('deleteCollection', 'deletecollection', status, details);
    }
    this.#put(`${base}/${kind.resource}`, collection, kind.namespaced ? ['namespace'] : []);
    if (kind.namespaced && has('list')) {
      const get = make('listAllNamespaces', 'list', list, { parameters: listParameters });
      this.#put(`${root}/${kind.resource}`, { get }, []);
    }

    const item: OpenApiSchema = {};
    if (has('get')) item['get'] = make('read', 'get', object);
    if (has('update')) {
      item['put'] = make('replace', 'put', object, { body: object, parameters: writeParameters });
    }
    if (has('patch')) item['patch'] = make('patch', 'patch', object, this.#patch());
    if (has('delete')) {
      const answer = answersDeletedObject(kind) ? object : status;
      item['delete'] = make('delete', 'delete', answer, { body: deleteBody, parameters: deleteParameters });
    }
    const names = kind.namespaced ? ['namespace', 'name'] : ['name'];
    this.#put(`${base}/${kind.resource}/{name}`, item, names);
    for (const [name, sub] of Object.entries(kind.subresources)) {
      this.#put(`${base}/${kind.resource}/{name}/${name}`, this.#subresource(kind, name, sub, object), names);
    }
  }

  #subresource(kind: Kind, name: string, sub: Subresource, parent: OpenApiSchema): OpenApiSchema {
    const gvk = { group: sub.group ?? kind.group, version: sub.version ?? kind.version, kind: sub.kind };
    const own = sub.kind === kind.kind ? parent : this.#definitions.addPart(gvk);
    const object = own ?? { type: 'string' };
    const title = (name[0] ?? '').toUpperCase() + name.slice(1);
    const make = (method: string, action: string, more: Partial<Details> = {}): Operation =>
      this.#operation({
        id: `${method}${idOf(kind)}${title}`,
        action,
        gvk,
        tag: tagOf(kind),
        answer: object,
        parameters: [],
        ...more,
      });
    const out: OpenApiSchema = {};
    const write = { parameters: writeParameters, ...(own ? { body: own } : {}) };
    for (const verb of sub.verbs) {
      if (verb === 'get') out['get'] = make('read', own ? 'get' : 'connect');
      else if (verb === 'create')
        out['post'] = make(own ? 'create' : 'connectPost', own ? 'post' : 'connect', write);
      else if (verb === 'update') out['put'] = make('replace', own ? 'put' : 'connect', write);
      else if (verb === 'patch')
        out['patch'] = make('patch', own ? 'patch' : 'connect', own ? this.#patch() : {});
      else if (verb === 'delete') out['delete'] = make('delete', own ? 'delete' : 'connect');
    }
    return out;
  }

  /** What all patch operations share. */
  #patch(): Partial<Details> {
    return {
      body: this.#definitions.addNamed('meta.v1.Patch'),
      bodyTypes: patchTypes,
      parameters: [...writeParameters, query('force', 'boolean')],
    };
  }

  #put(path: string, item: OpenApiSchema, pathParameters: string[]): void {
    if (Object.keys(item).length === 0) return;
    const parameters = [
      ...pathParameters.map((name): Parameter => ({ name, in: 'path', type: 'string' })),
      query('pretty'),
    ];
    this.all[path] = { ...item, parameters: parameters.map((p) => this.#parameter(p)) };
  }

  #parameter({ name, in: where, type }: Parameter): OpenApiSchema {
    const required = where === 'path' ? { required: true } : {};
    const unique = { name, in: where, ...required, uniqueItems: true };
    return this.#form === 'v2' ? { ...unique, type } : { name, in: where, ...required, schema: { type } };
  }

  #operation(d: Details): Operation {
    const common = {
      tags: [d.tag],
      operationId: d.id,
      'x-kubernetes-action': d.action,
      'x-kubernetes-group-version-kind': d.gvk,
    };
    const bodyTypes = d.bodyTypes ?? ['application/json', 'application/yaml'];
    const parameters = d.parameters.map((p) => this.#parameter(p));
    const codes = d.action === 'post' ? ['200', '201', '202'] : ['200'];
    if (this.#form === 'v2') {
      const body = d.body
        ? [{ name: 'body', in: 'body', required: d.action !== 'delete', schema: d.body }]
        : [];
      return {
        ...common,
        consumes: d.bodyTypes ?? ['*/*'],
        produces: answerTypes,
        schemes: ['https'],
        parameters: [...body, ...parameters],
        responses: Object.fromEntries(codes.map((c) => [c, { description: 'OK', schema: d.answer }])),
      };
    }
    const content = (types: readonly string[], schema: OpenApiSchema): OpenApiSchema =>
      Object.fromEntries(types.map((type) => [type, { schema }]));
    return {
      ...common,
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(d.body ? { requestBody: { content: content(bodyTypes, d.body) } } : {}),
      responses: Object.fromEntries(
        codes.map((c) => [c, { description: 'OK', content: content(answerTypes, d.answer) }]),
      ),
    };
  }
}

interface Details {
  id: string;
  action: string;
  gvk: GroupVersionKind;
  tag: string;
  answer: OpenApiSchema;
  body?: OpenApiSchema;
  bodyTypes?: readonly string[];
  parameters: readonly Parameter[];
}

const capital = (text: string): string => (text[0] ?? '').toUpperCase() + text.slice(1);
/** `AppsV1NamespacedDeployment`: the middle of operation ids. */
function idOf(kind: Kind): string {
  const group = kind.group === '' ? 'core' : kind.group.replace(/\.k8s\.io$/, '');
  const words = group.split(/[.-]/).map(capital).join('');
  return words + capital(kind.version) + (kind.namespaced ? 'Namespaced' : '') + kind.kind;
}
function tagOf(kind: Kind): string {
  const group = kind.group === '' ? 'core' : kind.group.replace(/\.k8s\.io$/, '');
  return `${group.split(/[.-]/).join('')}_${kind.version}`;
}
