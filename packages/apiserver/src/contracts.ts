/**
 * The seams between the steps of a request. `pipeline/` walks them in the architecture's order:
 * authenticate -> authorize -> route -> decode -> mutating admission -> default -> validate -> validating admission -> store.
 */
import type { ApiRequest, FieldError, Kind, Subresource, Unstructured, UserInfo } from '@coracle/machinery';

/** What is asked, as authorization and admission see it. Filled by the router from method, path and query. */
export interface RequestAttributes {
  user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection; for non-resource paths the lower-case method. */
  verb: string;
  isResource: boolean;
  path: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

/** Undefined: these credentials mean nothing to me, ask the next. Throws ApiError Unauthorized: they are mine and bad. */
export interface Authenticator {
  authenticate(request: ApiRequest): Promise<UserInfo | undefined>;
  /** The same at once, of an authenticator that never has to wait. Used instead where it is there. */
  identify?(request: ApiRequest): UserInfo | undefined;
}

export interface Authorizer {
  /** `reason` is for the Forbidden message. Synchronous: rules are read from memory. */
  authorize(attributes: RequestAttributes): { allowed: boolean; reason?: string };
  /** For SelfSubjectRulesReview. */
  rulesFor(
    user: UserInfo,
    namespace: string,
  ): {
    resourceRules: { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames?: string[] }[];
    nonResourceRules: { verbs: string[]; nonResourceURLs: string[] }[];
    incomplete: boolean;
  };
}

export interface AdmissionRequest extends RequestAttributes {
  kind: Kind;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  dryRun: boolean;
  /**
   * Mutating plugins change it in place (it is not frozen, but for the status on writes of the object and all but metadata and
   * status on writes of the status: these stay as they were); undefined on DELETE.
   */
  object: Unstructured | undefined;
  oldObject: Unstructured | undefined;
  options: Record<string, unknown>;
}
/** Throws ApiError (usually Forbidden) to refuse. */
export interface AdmissionPlugin {
  name: string;
  /**
   * What `mutate` adds has its defaults and is in canonical form (`1`, not `1000m`). Of other plugins' objects the defaults are
   * filled in again.
   */
  completes?: true;
  mutate?(request: AdmissionRequest): Promise<void> | void;
  validate?(request: AdmissionRequest): Promise<void> | void;
}

/** Reads other objects from inside the server: newest durable state, frozen, no authorization. */
export interface Lookup {
  get(group: string, resource: string, namespace: string, name: string): Unstructured | undefined;
  list(group: string, resource: string, namespace?: string): Unstructured[];
  /** A number that is another one after any object of the group has changed. */
  generation?(group: string): number;
}

export interface StrategyContext {
  lookup: Lookup;
  readonly now: Date;
  user: UserInfo;
  /** Cluster-wide allocators (Service addresses and ports), reserved before and confirmed or released after the write. */
  allocate: Allocators;
  dryRun: boolean;
  /** The subresource of the request's path, '' for the object itself. */
  subresource: string;
}
export interface Allocators {
  clusterIp(wanted?: string): string;
  nodePort(wanted?: number): number;
  release(address: string | number): void;
}

/**
 * What a built-in kind does that its schema cannot say. All work on plain objects of the storage version; `object` may be
 * changed in place, `old` is frozen. Every method is optional. Order on create: `defaults` (also runs on reads of nothing:
 * stored objects are complete) -> `prepareForCreate` -> schema validation -> `validate`; on update: `defaults` ->
 * `prepareForUpdate` -> schema validation -> `validateUpdate`. Status updates use the `status` methods, and only those: of
 * the object only metadata and status may differ then, all else is the old one's, frozen. The generic code
 * handles metadata (uid, creationTimestamp, generation, deletionTimestamp, immutability of metadata fields), wiping `status`
 * on main-resource writes and keeping all but `status` on status writes of kinds that have a status subresource.
 */
export interface Strategy {
  defaults?(object: Unstructured): void;
  prepareForCreate?(object: Unstructured, context: StrategyContext): void;
  prepareForUpdate?(object: Unstructured, old: Unstructured, context: StrategyContext): void;
  prepareForStatusUpdate?(object: Unstructured, old: Unstructured, context: StrategyContext): void;
  /**
   * A write of the status (by `prepareForStatusUpdate` and all else) sets and deletes fields of metadata and status, and changes
   * nothing inside them: a patched status may share what stays as it is with the old one.
   */
  leavesStatusParts?: true;
  validate?(object: Unstructured, context: StrategyContext): FieldError[];
  /** `validate` looks at nothing but the spec. New objects with equal specs share one then, which is looked at once. */
  validatesSpec?: true;
  validateUpdate?(object: Unstructured, old: Unstructured, context: StrategyContext): FieldError[];
  validateStatusUpdate?(object: Unstructured, old: Unstructured, context: StrategyContext): FieldError[];
  /** Does a write of this change bump metadata.generation? Default: spec (anything but metadata and status) differs. */
  generationChanged?(object: Unstructured, old: Unstructured): boolean;
  /** How metadata.name must look: default is a DNS-1123 subdomain. Returns a message when it does not. */
  nameProblem?(name: string): string | undefined;
  /** Is the main resource created but never stored (TokenReview, SubjectAccessReview)? Then this makes the answer. */
  answer?(object: Unstructured, context: StrategyContext): Promise<Unstructured> | Unstructured;
  /** Field-selector values besides metadata.name and metadata.namespace: `spec.nodeName`, `status.phase`. */
  fields?: Record<string, (object: Unstructured) => string>;
  /** Graceful deletion: seconds to wait for somebody (the kubelet) to finish the delete; 0 or undefined deletes at once. */
  gracePeriodSeconds?(object: Unstructured, asked: number | undefined): number;
  /** When a delete marks the object and it stays for now: what its status says about that. */
  prepareForDelete?(object: Unstructured, context: StrategyContext): void;
  /** After a delete or a failed create: give back what was allocated. */
  afterDelete?(object: Unstructured, context: StrategyContext): void;
  /** Default finalizer behaviour of `DELETE` without a propagation policy; 'Background' unless said. */
  defaultPropagation?: 'Orphan' | 'Background';
  /** Told to callers who delete without a propagation policy. */
  deleteWarning?: string;
  /** Version conversion between a served version and the storage version, if they differ in shape. */
  toStorage?(object: Unstructured, fromVersion: string): Unstructured;
  fromStorage?(object: Unstructured, toVersion: string): Unstructured;
}

/** A Table row's cells for a built-in kind, in the order of its columns (what `kubectl get` prints). */
export interface TablePrinter {
  columns: { name: string; type: string; format?: string; priority?: number; description?: string }[];
  cells(object: Unstructured, now: Date): unknown[];
}

/** A handler of a subresource or virtual resource that is not plain storage (pods/log, pods/binding, serviceaccounts/token). */
export interface SubresourceRoute {
  kind: Kind;
  subresource: string;
  info: Subresource;
}
