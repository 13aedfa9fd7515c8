/**
 * What runs a pod's containers. The agent decides (restart policy, probes, back-off, status); a runtime only does: it starts
 * and stops containers, says how they ended, and finds those of an earlier agent process again.
 */
import type { Container, Pod } from '@coracle/machinery/api';
import type { ExecOptions, LogOptions, StreamSession } from '@coracle/machinery';

/** A volume's content as it lies on the host, ready to be mounted. */
export interface HostMount {
  hostPath: string;
  mountPath: string;
  readOnly: boolean;
}
export interface ContainerSpec {
  pod: Pod;
  container: Container;
  kind: 'init' | 'app' | 'ephemeral';
  /** 0 for the first start, +1 each restart. */
  attempt: number;
  /** All variables, values final. */
  env: Record<string, string>;
  command: string[];
  workingDir?: string | undefined;
  mounts: HostMount[];
  /** Host file that the container sees at its terminationMessagePath. */
  terminationMessageFile: string;
  /** Lines of the container's /etc/hosts, beyond localhost: address, then names. */
  hosts: { address: string; names: string[] }[];
  hostname: string;
  limits: {
    cpuMillis?: number | undefined;
    memoryBytes?: number | undefined;
    cpuShares?: number | undefined;
  };
  runAs?: { user?: number | undefined; group?: number | undefined } | undefined;
}
export type ContainerState =
  | { phase: 'running'; startedAt: number }
  | {
      phase: 'exited';
      startedAt: number;
      finishedAt: number;
      exitCode: number;
      signal?: number | undefined;
      /** `StartError` (exit code 128): it could not be started; `message` says why. */
      reason: 'Completed' | 'Error' | 'OOMKilled' | 'ContainerStatusUnknown' | 'StartError';
      message?: string | undefined;
    };
/** A started container. `id` is stable across agent restarts: `process://<uuid>`. */
export interface ContainerHandle {
  readonly id: string;
  readonly podUid: string;
  readonly name: string;
  readonly attempt: number;
  state(): ContainerState;
}
export interface PodSandbox {
  readonly podUid: string;
  /** The pod's address. */
  readonly ip: string;
}
export interface RuntimeEvents {
  /** A container changed state; look at `state()`. */
  changed(podUid: string, containerId: string): void;
}
/** A volume cannot be put at its mount path on this host. The agent reports it as FailedMount and tries again. */
export class MountError extends Error {
  override name = 'MountError';
}
export interface Runtime {
  readonly name: 'process' | 'virtual' | 'cri' | 'microvm';
  /** What this host allows; each missing thing says why in words for an event. */
  capabilities(): Record<
    'mountNamespace' | 'pidNamespace' | 'cgroup' | 'userSwitch',
    { available: boolean; why?: string }
  >;
  /** Finds containers that an earlier agent process left: live ones keep running, ended ones keep their exit code. */
  recover(): Promise<{ sandboxes: PodSandbox[]; containers: ContainerHandle[] }>;
  createSandbox(pod: Pod): Promise<PodSandbox>;
  /** Kills what is left, removes everything of the pod. */
  removeSandbox(podUid: string): Promise<void>;
  /** Tells about changes until the returned function is called. */
  subscribe(events: RuntimeEvents): () => void;
  /** Replaces the lines of a running pod's /etc/hosts. */
  updateHosts(podUid: string, hosts: ContainerSpec['hosts']): Promise<void>;
  /**
   * Resolves when the container runs, or has failed to (state exited, StartError). Rejects with MountError when a volume
   * cannot be mounted; nothing is left behind then.
   */
  start(spec: ContainerSpec): Promise<ContainerHandle>;
  /** Kills it if it runs, and removes its log and files. */
  removeContainer(id: string): Promise<void>;
  /** SIGTERM (or the stop signal), SIGKILL after the grace period; resolves when it has exited. */
  stop(id: string, graceMs: number): Promise<void>;
  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(id: string, options: ExecOptions, session: StreamSession): Promise<void>;
  /** A command's exit code, for exec probes and hooks; rejects on time-out. */
  execSync(id: string, command: string[], timeoutMs: number): Promise<{ exitCode: number; output: string }>;
  /** CPU time in nanoseconds and memory (working set) in bytes, of a container. */
  usage(id: string): Promise<{ cpuNanos: number; memoryBytes: number } | undefined>;
  close(): Promise<void>;
}
