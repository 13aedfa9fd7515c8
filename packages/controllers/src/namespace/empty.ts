/** Deletes what is in a namespace, kind by kind as the server serves them. */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import type { KubeObject, ResourceType } from '@coracle/machinery';
import { inBatches } from '../lib/batches.ts';
import type { ApiResource, Discovery } from '../lib/discovery.ts';
import type { ContentReport } from './conditions.ts';

/**
 * One pass. Pods go first, and the rest only when no pod is left: what they use (secrets, policies, network rules) outlives
 * them. Empty `remaining` and no failures: the namespace is empty.
 */
export async function emptyNamespace(
  client: Client,
  discovery: Discovery,
  namespace: string,
): Promise<ContentReport> {
  const report: ContentReport = {
    discoveryFailures: discovery.failures.map(
      ({ groupVersion, error }) => `${groupVersion}: ${error instanceof Error ? error.message : error}`,
    ),
    contentFailures: [],
    remaining: new Map(),
    finalizers: new Map(),
  };
  const types = discovery.resources.filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'),
  );
  const pods = types.filter(({ group, resource }) => group === '' && resource === 'pods');
  for (const type of pods) await emptyKind(client, type, namespace, report);
  if (report.remaining.size > 0 || report.contentFailures.length > 0) return report;
  await inBatches(
    types.filter((type) => !pods.includes(type)),
    8,
    (type) => emptyKind(client, type, namespace, report),
  );
  return report;
}

async function emptyKind(
  client: Client,
  resource: ApiResource,
  namespace: string,
  report: ContentReport,
): Promise<void> {
  const type = resource as ResourceType<KubeObject>;
  try {
    const { items } = await client.list(type, { namespace });
    if (items.length === 0) return;
    if (resource.verbs.includes('deletecollection')) {
      await client.deleteCollection(type, { namespace, propagationPolicy: 'Background' });
    } else {
      await inBatches(items, 32, async ({ metadata: { name } }) => {
        await client.delete(type, name, { namespace, propagationPolicy: 'Background' }).catch(unlessGone);
      });
    }
    const left = await client.list(type, { namespace });
    if (left.items.length === 0) return;
    report.remaining.set(`${type.resource}.${type.group}`, left.items.length);
    for (const { metadata } of left.items) {
      for (const finalizer of metadata.finalizers ?? []) {
        report.finalizers.set(finalizer, (report.finalizers.get(finalizer) ?? 0) + 1);
      }
    }
  } catch (error) {
    // The kind itself may have gone meanwhile, or takes no such verb.
    if (isReason(error, 'NotFound') || isReason(error, 'MethodNotAllowed')) return;
    report.contentFailures.push(error instanceof Error ? error.message : String(error));
  }
}

function unlessGone(error: unknown): void {
  if (!isReason(error, 'NotFound')) throw error;
}
