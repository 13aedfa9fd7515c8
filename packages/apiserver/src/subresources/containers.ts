/** Finds the container and the node agent that a request about a running pod means. */
import { ApiError, errors, type KubeletApi } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Call } from '../pipeline/call.ts';
import { requestKey } from '../storage/keys.ts';
import { storedObject } from '../storage/views.ts';

/** Throws NotFound. */
export function podOf(call: Call): Pod {
  const { ctx, kind, attributes } = call;
  const entry = ctx.store.get(requestKey(kind, attributes.namespace, attributes.name));
  if (!entry) throw errors.notFound(kind, attributes.name);
  return storedObject(entry) as unknown as Pod;
}

const names = (list: readonly { name: string }[] | undefined): string[] => (list ?? []).map((c) => c.name);

/** The container asked for, or the only one. Throws BadRequest when it is not there or one has to choose. */
export function containerOf(pod: Pod, asked: string | null): string {
  const main = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  const ephemeral = names(pod.spec?.ephemeralContainers);
  if (asked) {
    if ([...main, ...init, ...ephemeral].includes(asked)) return asked;
    throw errors.badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  const [only] = main;
  if (main.length === 1 && only !== undefined) return only;
  const choice = `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${main.join(' ')}]`;
  throw errors.badRequest(
    init.length > 0 ? `${choice} or one of the init containers: [${init.join(' ')}]` : choice,
  );
}

/** The agent of the pod's node. Throws BadRequest before the pod has one, InternalError when it cannot be reached. */
export function agentOf(call: Call, pod: Pod): KubeletApi {
  const node = pod.spec?.nodeName;
  if (!node) throw errors.badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const agent = call.ctx.nodes?.connect(node);
  if (!agent)
    throw new ApiError(
      'InternalError',
      `Internal error occurred: the agent of node ${JSON.stringify(node)} cannot be reached`,
    );
  return agent;
}
