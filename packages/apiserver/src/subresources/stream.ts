/** pods/exec, attach and portforward: checked here, carried by the transport, done by the node's agent. */
import { type ApiResponse, errors, type ExecOptions } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { forbidden } from '../auth/index.ts';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import type { Call } from '../pipeline/call.ts';
import { booleanQuery } from '../pipeline/negotiate.ts';
import { agentOf, containerOf, podOf } from './containers.ts';

/** Opening a channel to a container by GET (WebSocket) needs the same right as by POST: `create`. Throws Forbidden. */
async function admitConnect(call: Call): Promise<void> {
  const attributes = { ...call.attributes, verb: 'create' };
  const { allowed, reason } = call.ctx.authorizer.authorize(attributes);
  if (!allowed) throw forbidden(attributes, reason);
  const asked = admissionRequest(call, {
    operation: 'CONNECT',
    dryRun: false,
    options: Object.fromEntries(call.request.query),
  });
  await admitMutating(call, asked);
  await admitValidating(call, asked);
}

function streams(query: URLSearchParams): Omit<ExecOptions, 'command'> {
  const flag = (name: string): boolean => booleanQuery(query, name) ?? false;
  const options = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') };
  if (options.tty && options.stderr) options.stderr = false;
  if (!options.stdin && !options.stdout && !options.stderr)
    throw errors.badRequest('you must specify at least 1 of stdin, stdout, stderr');
  return options;
}

function running(pod: Pod, what: string): void {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed')
    throw errors.badRequest(`cannot ${what} a container in a completed pod; current phase is ${phase}`);
}

const refOf = (pod: Pod): { namespace: string; pod: string; podUid: string } => ({
  namespace: pod.metadata.namespace ?? '',
  pod: pod.metadata.name,
  podUid: pod.metadata.uid ?? '',
});

export async function podExec(call: Call): Promise<ApiResponse> {
  const { query } = call.request;
  await admitConnect(call);
  const pod = podOf(call);
  running(pod, 'exec into');
  const container = containerOf(pod, query.get('container'));
  const command = query.getAll('command');
  const options = streams(query);
  if (command.length === 0) throw errors.badRequest('you must specify a command to execute');
  const agent = agentOf(call, pod);
  return {
    kind: 'upgrade',
    run: (session) => agent.exec({ ...refOf(pod), container }, { command, ...options }, session),
  };
}

export async function podAttach(call: Call): Promise<ApiResponse> {
  const { query } = call.request;
  await admitConnect(call);
  const pod = podOf(call);
  running(pod, 'attach to');
  const container = containerOf(pod, query.get('container'));
  const options = streams(query);
  const agent = agentOf(call, pod);
  return { kind: 'upgrade', run: (session) => agent.attach({ ...refOf(pod), container }, options, session) };
}

/** `run` is called once for all ports, or (over SPDY) once for every connection that the client forwards. */
export async function podPortForward(call: Call): Promise<ApiResponse> {
  await admitConnect(call);
  const pod = podOf(call);
  running(pod, 'forward ports of');
  const agent = agentOf(call, pod);
  return { kind: 'upgrade', run: (session) => agent.portForward(refOf(pod), session) };
}
