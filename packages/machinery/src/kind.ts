/**
 * A kind is data. Built-in kinds (from the generated table) and CustomResourceDefinitions make the same value and live in
 * the same registry; everything generic (validation, defaulting, pruning, patches, tables, OpenAPI) reads it.
 */
import type { ResourceType } from './resource-type.ts';

/** An OpenAPI v3 structural schema node. `$ref`s are already resolved (the graph may be cyclic: JSONSchemaProps). */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | undefined;
  format?: string | undefined;
  nullable?: boolean | undefined;
  default?: unknown;
  enum?: readonly unknown[] | undefined;
  pattern?: string | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  exclusiveMinimum?: boolean | undefined;
  exclusiveMaximum?: boolean | undefined;
  multipleOf?: number | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
  uniqueItems?: boolean | undefined;
  minProperties?: number | undefined;
  maxProperties?: number | undefined;
  required?: readonly string[] | undefined;
  properties?: Readonly<Record<string, Schema>> | undefined;
  additionalProperties?: Schema | boolean | undefined;
  items?: Schema | undefined;
  allOf?: readonly Schema[] | undefined;
  anyOf?: readonly Schema[] | undefined;
  oneOf?: readonly Schema[] | undefined;
  not?: Schema | undefined;
  description?: string | undefined;
  title?: string | undefined;
  example?: unknown;
  externalDocs?: unknown;
  'x-kubernetes-preserve-unknown-fields'?: boolean | undefined;
  'x-kubernetes-int-or-string'?: boolean | undefined;
  'x-kubernetes-embedded-resource'?: boolean | undefined;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map' | undefined;
  'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
  'x-kubernetes-map-type'?: 'atomic' | 'granular' | undefined;
  'x-kubernetes-patch-strategy'?: string | undefined;
  'x-kubernetes-patch-merge-key'?: string | undefined;
  'x-kubernetes-unions'?: unknown;
  'x-kubernetes-validations'?: readonly unknown[] | undefined;
  /** Definition name in the OpenAPI document (`io.k8s.api.core.v1.Pod`), if it has one: documents keep their `$ref`s by it. */
  definition?: string | undefined;
  /**
   * Part of a built-in kind, which the API server decodes into a Go type: null means absent, a wrong type fails the
   * decoding (400, see typeErrors) and not the validation, and duplicates in lists are judged by the kind's strategy.
   */
  goTyped?: boolean | undefined;
  /** Fields the OpenAPI document calls required although the API server accepts objects without them. */
  documentedRequired?: readonly string[] | undefined;
}

export interface PrinterColumn {
  name: string;
  type: string;
  format?: string | undefined;
  description?: string | undefined;
  /** 0 is always shown; more only with `-o wide`. */
  priority?: number | undefined;
  jsonPath: string;
}

export interface Kind extends ResourceType {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Verbs of the main resource, as discovery lists them: create, delete, deletecollection, get, list, patch, update, watch. */
  readonly verbs: readonly string[];
  /** Subresources by name, `status` and `scale` among them. */
  readonly subresources: Readonly<Record<string, Subresource>>;
  /** Resolved on first use: the table is loaded lazily. */
  readonly schema: Schema;
  readonly columns?: readonly PrinterColumn[] | undefined;
  /** The version objects of this group and resource are stored in. */
  readonly storageVersion: string;
  readonly builtin: boolean;
  /** CRD only: unknown fields are kept everywhere. */
  readonly preserveUnknownFields?: boolean | undefined;
  /** Paths of a CRD's selectable fields besides metadata.name and metadata.namespace. */
  readonly selectableFields?: readonly string[] | undefined;
}

export interface Subresource {
  /** Kind of the request and answer if it is not the parent's: Scale, Eviction, Binding, TokenRequest, PodExecOptions. */
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly kind: string;
  readonly verbs: readonly string[];
  /** `scale` of a CRD. */
  readonly specReplicasPath?: string | undefined;
  readonly statusReplicasPath?: string | undefined;
  readonly labelSelectorPath?: string | undefined;
}

/** All kinds served by one engine. Built-in kinds are there from the start; CRDs come and go. */
export interface KindRegistry {
  /** Exact group, version and resource (plural). */
  byResource(group: string, version: string, resource: string): Kind | undefined;
  byKind(group: string, version: string, kind: string): Kind | undefined;
  /** Every served version of a group's resource, preferred first. */
  versionsOf(group: string, resource: string): readonly Kind[];
  /** Groups in discovery order, each with its versions, preferred first. */
  groups(): readonly { group: string; versions: readonly string[] }[];
  kinds(): Iterable<Kind>;
  /** Replaces all versions of a CRD's resource; `[]` removes it. */
  replace(group: string, resource: string, kinds: readonly Kind[]): void;
  /** Increases with every replace; caches of documents key on it. */
  readonly generation: number;
}
