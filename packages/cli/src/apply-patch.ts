/**
 * Client-side apply, the pure part. An applied object carries its manifest in an annotation; the next apply compares three
 * things: that manifest (what was said), the new one (what is said now), and the live object (what is). The annotation is
 * kubectl's, byte for byte, so that both programs can apply the same object in turn.
 */
import {
  createThreeWayMergePatch,
  createThreeWayStrategicPatch,
  jsonClone,
  type KindRegistry,
  type ResourceType,
  type Unstructured,
} from '@coracle/machinery';

export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** The manifest as it is sent: with its namespace, and with itself in the annotation. */
export function manifestToApply(manifest: Unstructured, namespace: string | undefined): Unstructured {
  const object = jsonClone(manifest);
  if (namespace) object.metadata.namespace = namespace;
  const annotations = { ...object.metadata.annotations };
  delete annotations[lastApplied];
  // kubectl writes an empty map when there are no others.
  object.metadata.annotations = annotations;
  const configuration = `${JSON.stringify(sortKeys(object))}\n`;
  object.metadata.annotations = { ...annotations, [lastApplied]: configuration };
  return object;
}

/** The patch from the live object to what the manifest says; `{}` when they agree. `wanted` comes from manifestToApply. */
export function applyPatchFor(
  registry: KindRegistry,
  type: ResourceType,
  wanted: Unstructured,
  current: Unstructured,
): { patchType: 'strategic' | 'merge'; patch: Record<string, unknown> } {
  const original = originalOf(current);
  const kind = registry.byResource(type.group, type.version, type.resource);
  if (kind?.builtin) {
    const patch = createThreeWayStrategicPatch(kind.schema, original, wanted, current);
    return { patchType: 'strategic', patch };
  }
  const patch = createThreeWayMergePatch(original, wanted, current) as Record<string, unknown>;
  return { patchType: 'merge', patch };
}

/** The manifest applied last; `{}` if there was none, or it cannot be read. */
function originalOf(current: Unstructured): unknown {
  const text = current.metadata.annotations?.[lastApplied];
  if (!text) return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

/** Keys in order at every level, as Go writes maps. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortKeys(item)]),
  );
}
