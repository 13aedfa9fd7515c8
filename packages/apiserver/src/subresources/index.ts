/** Subresources: each a small file; this one says which path goes where. */
import { type ApiResponse, errors } from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { get } from '../verbs/list.ts';
import { patch } from '../verbs/patch.ts';
import { update } from '../verbs/update.ts';
import { approval } from './approval.ts';
import { createBinding } from './binding.ts';
import { ephemeralContainers, resize } from './pod-parts.ts';
import { evict } from './eviction.ts';
import { finalizeNamespace } from './finalize.ts';
import { podLog } from './log.ts';
import { nodeProxy } from './node-proxy.ts';
import { scale } from './scale.ts';
import { podAttach, podExec, podPortForward } from './stream.ts';
import { createToken } from './token.ts';

type Handler = (call: Call) => ApiResponse | Promise<ApiResponse>;

/** By `group/resource/subresource`. */
const handlers: Readonly<Record<string, Handler>> = {
  '/pods/binding': createBinding,
  '/pods/eviction': evict,
  '/pods/log': podLog,
  '/pods/exec': podExec,
  '/pods/attach': podAttach,
  '/pods/portforward': podPortForward,
  '/pods/ephemeralcontainers': ephemeralContainers,
  '/pods/resize': resize,
  '/nodes/proxy': nodeProxy,
  '/namespaces/finalize': finalizeNamespace,
  '/serviceaccounts/token': createToken,
  'certificates.k8s.io/certificatesigningrequests/approval': approval,
};

function status(call: Call): ApiResponse | Promise<ApiResponse> {
  const { verb } = call.attributes;
  if (verb === 'update') return update(call, 'status');
  if (verb === 'patch') return patch(call, 'status');
  return get(call);
}

/** Throws MethodNotAllowed for a verb the subresource does not have, ServiceUnavailable for proxies to workloads. */
export function subresourceRoute(call: Call): ApiResponse | Promise<ApiResponse> {
  const { attributes, kind, subresource } = call;
  const { verb, subresource: name } = attributes;
  if (!subresource?.verbs.includes(verb))
    throw errors.methodNotAllowed({ group: kind.group, resource: `${kind.resource}/${name}` }, verb);
  if (name === 'status') return status(call);
  if (name === 'scale') return scale(call);
  const handler = handlers[`${kind.group}/${kind.resource}/${name}`];
  if (handler) return handler(call);
  throw errors.methodNotAllowed({ group: kind.group, resource: `${kind.resource}/${name}` }, verb);
}
