/**
 * The CustomResourceDefinitions of JobSet and Kubeflow Trainer, as upstream has them but without prose. `generated/crds.json` is made by
 * `scripts/generate/training-crds.ts`; its parts refer only to parts before them.
 */
import stored from './generated/crds.json' with { type: 'json' };

/** New objects on each call for the outer levels; equal inner parts are shared: do not change them. */
export function trainingCrds(): object[] {
  const parts: unknown[] = [];
  const whole = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(whole);
    if ('$part' in value) return parts[value.$part as number];
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, whole(v)]));
  };
  for (const part of stored.parts) parts.push(whole(part));
  return stored.definitions.map((definition) => whole(definition) as object);
}
