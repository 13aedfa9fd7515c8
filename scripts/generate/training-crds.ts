/**
 * Makes packages/training/src/generated/crds.json from the CustomResourceDefinitions of JobSet and Kubeflow Trainer:
 *
 *   node scripts/generate/training-crds.ts FOLDER-WITH-THE-YAML-FILES
 *
 * Facts only: descriptions are left out. Equal parts (the pod template occurs three times) are kept once, as
 * `{"$part": n}`, which `src/crds.ts` puts back.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const files = [
  'jobset.x-k8s.io_jobsets.yaml',
  'trainer.kubeflow.org_trainjobs.yaml',
  'trainer.kubeflow.org_trainingruntimes.yaml',
  'trainer.kubeflow.org_clustertrainingruntimes.yaml',
];
/** Parts shorter than this are not worth a reference. */
const smallestPart = 120;

/** Takes prose out. Below `properties` a key is a field's name, so a field called `description` stays. */
function withoutProse(value: Json, inProperties = false): Json {
  if (Array.isArray(value)) return value.map((v) => withoutProse(v));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, v]) => inProperties || key !== 'description' || typeof v !== 'string')
      .map(([key, v]) => [key, withoutProse(v, key === 'properties' && !inProperties)]),
  );
}

function definition(file: string, folder: string): Json {
  const source = withoutProse(load(readFileSync(join(folder, file), 'utf8')) as Json) as {
    metadata: { name: string };
    spec: Json;
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: source.metadata.name },
    spec: source.spec,
  };
}

/** A schema node, as far as it is walked here. */
interface Node {
  properties: Record<string, Node>;
  items: Node;
  required?: string[];
  default?: Json;
}

/**
 * Upstream, a mutating webhook completes a JobSet before its schema is checked. There is none here, so the schema says
 * the same: what the webhook fills in has a default, or (a rule's name, made from its index) is not required.
 */
function completeJobSet(root: Node): void {
  const at = (path: string): Node => {
    let node = root;
    for (const step of path.split('.')) node = step === '[]' ? node.items : node.properties[step]!;
    return node;
  };
  at('spec.successPolicy').default = { operator: 'All' };
  at('spec.startupPolicy').default = { startupPolicyOrder: 'AnyOrder' };
  at('spec.network').default = { enableDNSHostnames: true, publishNotReadyAddresses: true };
  at('spec.network.enableDNSHostnames').default = true;
  at('spec.network.publishNotReadyAddresses').default = true;
  at('spec.replicatedJobs.[].template.spec.completionMode').default = 'Indexed';
  at('spec.replicatedJobs.[].template.spec.template.spec.restartPolicy').default = 'OnFailure';
  const rule = at('spec.failurePolicy.rules.[]');
  rule.required = rule.required!.filter((field) => field !== 'name');
}

/** Replaces every object that occurs more than once by a reference, innermost first. */
function share(roots: Json[]): { roots: Json[]; parts: Json[] } {
  const counts = new Map<string, number>();
  const count = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    const text = JSON.stringify(value);
    if (!Array.isArray(value) && text.length >= smallestPart) {
      const seen = (counts.get(text) ?? 0) + 1;
      counts.set(text, seen);
      if (seen > 1) return;
    }
    for (const v of Object.values(value)) count(v);
  };
  for (const root of roots) count(root);
  const parts: Json[] = [];
  const numbers = new Map<string, number>();
  const replace = (value: Json): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(replace);
    const text = JSON.stringify(value);
    const isShared = text.length >= smallestPart && (counts.get(text) ?? 0) > 1;
    const known = isShared ? numbers.get(text) : undefined;
    if (known !== undefined) return { $part: known };
    const inner = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replace(v)]));
    if (!isShared) return inner;
    numbers.set(text, parts.push(inner) - 1);
    return { $part: parts.length - 1 };
  };
  return { roots: roots.map(replace), parts };
}

const folder = process.argv[2];
if (!folder)
  throw new Error('which folder has the definitions? node scripts/generate/training-crds.ts FOLDER');
const definitions = files.map((file) => definition(file, folder));
const jobSet = definitions[0] as unknown as { spec: { versions: { schema: { openAPIV3Schema: Node } }[] } };
for (const version of jobSet.spec.versions) completeJobSet(version.schema.openAPIV3Schema);
const { roots, parts } = share(definitions);
const target = new URL('../../packages/training/src/generated/crds.json', import.meta.url);
writeFileSync(target, `${JSON.stringify({ parts, definitions: roots })}\n`);
process.stdout.write(`${roots.length} definitions, ${parts.length} shared parts\n`);
