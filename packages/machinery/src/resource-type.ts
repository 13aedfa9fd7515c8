/** Names of a resource and its kind, and (in the type parameter only) the shape of its objects. */
export interface ResourceType<T = unknown> {
  /** API group; '' is the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural lower-case name in paths: `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set; carries T for inference. */
  readonly __shape?: T;
}

/** Makes a ResourceType; one constant a kind, at module level. */
export function resourceType<T>(
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced: boolean,
): ResourceType<T> {
  return { group, version, resource, kind, namespaced };
}

/** `apiVersion` of objects of this resource: `v1`, `batch/v1`. */
export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}
