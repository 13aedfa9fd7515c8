/**
 * What the API server asks of a node (the kubelet's own HTTP API, as functions): the server's pods/log, exec, attach and
 * port-forward handlers call it; node agents implement it, in-process or behind HTTPS on another machine.
 */
import type { StreamSession } from './wire.ts';

export interface ContainerRef {
  namespace: string;
  pod: string;
  podUid: string;
  container: string;
}
/** Query of `pods/log` (core/v1 PodLogOptions), already validated. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines?: number | undefined;
  limitBytes?: number | undefined;
  sinceSeconds?: number | undefined;
  /** RFC 3339. */
  sinceTime?: string | undefined;
  stream?: 'All' | 'Stdout' | 'Stderr' | undefined;
}
export interface ExecOptions {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}
export interface KubeletApi {
  /** Throws ApiError (BadRequest, NotFound) when the container is unknown or not started. Ends when `signal` aborts. */
  logs(ref: ContainerRef, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(ref: ContainerRef, options: ExecOptions, session: StreamSession): Promise<void>;
  attach(ref: ContainerRef, options: Omit<ExecOptions, 'command'>, session: StreamSession): Promise<void>;
  portForward(ref: Omit<ContainerRef, 'container'>, session: StreamSession): Promise<void>;
  /** The kubelet's `/stats/summary` document. */
  stats(): Promise<unknown>;
}
/** Finds the agent of a node. Undefined: no such node, or it cannot be reached. */
export interface NodeGateway {
  connect(nodeName: string): KubeletApi | undefined;
}
