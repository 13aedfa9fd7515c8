/** Chooses how an object is described, and reads what else is needed for it. */
import type { Client } from '@coracle/client';
import { isReason, type KubeObject, type Unstructured } from '@coracle/machinery';
import { type Job, Lease, type Node, Pod } from '@coracle/machinery/api';
import { podsOf } from '../run/outcome.ts';
import { eventsPart } from './events.ts';
import { describeGeneric } from './generic.ts';
import { describeNode } from './node.ts';
import { describePod } from './pod.ts';
import { type Part, render } from './text.ts';
import { describeJob, describeJobSet, describeTrainJob } from './workloads.ts';

/** The description of one object, its events last. `now` in milliseconds since 1970. */
export async function describe(
  client: Client,
  object: Unstructured,
  now: number,
  signal: AbortSignal,
): Promise<string> {
  const body = await bodyOf(client, object, now, signal);
  return render([...body, await eventsPart(client, object, now, signal)]);
}

async function bodyOf(
  client: Client,
  object: Unstructured,
  now: number,
  signal: AbortSignal,
): Promise<Part[]> {
  const typed = <T extends KubeObject>(): T => object as unknown as T;
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
  const podsOfIt = async (): Promise<Pod[]> => {
    const { items } = await client.list(Pod, {
      namespace: object.metadata.namespace,
      ...podsOf(object),
      signal,
    });
    return items;
  };
  switch (`${group}/${object.kind}`) {
    case '/Pod':
      return describePod(typed<Pod>(), now);
    case '/Node': {
      const fieldSelector = `spec.nodeName=${object.metadata.name}`;
      const { items } = await client.list(Pod, { fieldSelector, signal });
      return describeNode(typed<Node>(), items, await leaseOf(client, object.metadata.name, signal), now);
    }
    case 'batch/Job':
      return describeJob(typed<Job>(), await podsOfIt(), now);
    case 'trainer.kubeflow.org/TrainJob':
      return describeTrainJob(object, await podsOfIt(), now);
    case 'jobset.x-k8s.io/JobSet':
      return describeJobSet(object, await podsOfIt(), now);
    default:
      return describeGeneric(object, now);
  }
}

async function leaseOf(client: Client, node: string, signal: AbortSignal): Promise<Lease | undefined> {
  try {
    return await client.get(Lease, node, { namespace: 'kube-node-lease', signal });
  } catch (error) {
    if (isReason(error, 'NotFound') || isReason(error, 'Forbidden')) return undefined;
    throw error;
  }
}
