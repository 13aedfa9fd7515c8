import { type Client } from '@coracle/client';
import { ApiError, escapeFieldValue, type KubeObject } from '@coracle/machinery';
import { Event } from '@coracle/machinery/api';
import { age } from './common.ts';
import { type Part, table } from './text.ts';

/** What has been recorded about an object, oldest first. A server that refuses to say leaves a note instead. */
export async function eventsPart(
  client: Client,
  object: KubeObject,
  now: number,
  signal: AbortSignal,
): Promise<Part> {
  const { name, namespace, uid } = object.metadata;
  // A node's events carry its name in place of its uid, as kubelets write them.
  const terms = [`involvedObject.kind=${object.kind}`, `involvedObject.name=${escapeFieldValue(name)}`];
  if (object.kind !== 'Node') terms.push(`involvedObject.uid=${uid}`);
  try {
    const { items } = await client.list(Event, { namespace, fieldSelector: terms.join(','), signal });
    if (items.length === 0) return ['Events', '<none>'];
    const latest = ({ lastTimestamp, eventTime, metadata }: Event): string =>
      lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
    const rows = items
      .toSorted((a, b) => Date.parse(latest(a)) - Date.parse(latest(b)))
      .map((event) => {
        const { type, reason, message, count = 1, firstTimestamp, source, reportingComponent } = event;
        const since = age(latest(event), now);
        const often = count > 1 ? `${since} (x${count} over ${age(firstTimestamp, now)})` : since;
        return [
          type ?? '',
          reason ?? '',
          often,
          source?.component ?? reportingComponent ?? '',
          (message ?? '').trim().replaceAll('\n', ' '),
        ];
      });
    return ['Events', table(['Type', 'Reason', 'Age', 'From', 'Message'], rows)];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return ['Events', `<unknown: ${error.message}>`];
  }
}
