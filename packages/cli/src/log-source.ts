/** Which pods the words of `coracle logs` and `coracle exec` mean. */
import type { Client } from '@coracle/client';
import { type LabelSelectorLike, selectorFrom, selectorFromSet, type Unstructured } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { CliError } from './context.ts';
import { resourceByWord, servedResources, type ServedResource } from './discover.ts';
import { canFollow, podsOf } from './run/outcome.ts';

export interface PodSource {
  namespace: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** The pod, if a single one was named. */
  pod?: Pod;
  /** The workload the pods are of, when it is one that ends. */
  workload?: { type: ServedResource; object: Unstructured };
  /** For messages: `pod/web`, `trainjob/digits`, `pods with app=web`. */
  text: string;
}

/** `NAME`, `pod/NAME`, `TYPE/NAME`. Throws CliError if the kind has no pods, ApiError if the object is not there. */
export async function podSource(
  client: Client,
  word: string,
  namespace: string,
  signal: AbortSignal,
): Promise<PodSource> {
  const slash = word.indexOf('/');
  const name = word.slice(slash + 1);
  if (slash < 0 || /^(po|pods?)$/i.test(word.slice(0, slash))) {
    const pod = await client.get(Pod, name, { namespace, signal });
    return { namespace, fieldSelector: `metadata.name=${name}`, pod, text: `pod/${name}` };
  }
  const type = resourceByWord(await servedResources(client), word.slice(0, slash));
  const object = await client.get(type, name, { namespace, signal });
  const text = `${type.singular || type.kind.toLowerCase()}/${name}`;
  if (canFollow(object.kind)) return { namespace, ...podsOf(object), workload: { type, object }, text };
  const labelSelector = selectorOf(object);
  if (labelSelector === undefined) {
    throw new CliError(
      `${text} has no pods of its own: name a pod, a workload (job/NAME, trainjob/NAME, deployment/NAME), or -l labels`,
    );
  }
  return { namespace, labelSelector, text };
}

function selectorOf(object: Unstructured): string | undefined {
  const { selector } = (object['spec'] ?? {}) as { selector?: LabelSelectorLike | Record<string, string> };
  if (!selector || Object.keys(selector).length === 0) return undefined;
  // Services and replication controllers select by a plain map of labels.
  const whole = 'matchLabels' in selector || 'matchExpressions' in selector;
  return whole
    ? selectorFrom(selector as LabelSelectorLike).toString()
    : selectorFromSet(selector as Record<string, string>).toString();
}

/** The container that commands mean when none is named: the annotated one, else the first. Throws CliError naming those there are. */
export function chooseContainer(pod: Pod, wanted: string | undefined): string {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? { containers: [] };
  const names = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name);
  const noted = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  const chosen = wanted ?? (noted !== undefined && names.includes(noted) ? noted : names[0]);
  if (chosen === undefined || !names.includes(chosen)) {
    throw new CliError(
      `pod ${pod.metadata.name} has no container "${chosen ?? ''}"; it has ${names.join(', ')}`,
    );
  }
  return chosen;
}
