import type { Client } from '@coracle/client';
import type { Pod } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from '@coracle/operator';
import type { PreparedClaims } from '../devices/claims.ts';
import type { DeviceManager } from '../devices/device-manager.ts';
import type { BackOff } from '../pod/back-off.ts';
import type { PodSources } from '../pod/environment.ts';
import type { HostLine } from '../process/hosts-file.ts';
import type { Runtime } from '../runtime.ts';
import type { TokenManager } from '../volumes/tokens.ts';

/** What a pod worker has of its agent. */
export interface WorkerDeps {
  client: Client;
  clock: Clock;
  recorder: EventRecorder;
  logger: Logger;
  runtime: Runtime;
  devices: DeviceManager;
  backOff: BackOff;
  sources: PodSources;
  tokens: TokenManager;
  nodeName: string;
  hostIP: string;
  volumesFolder: string;
  /** Milliseconds until a container that could not be made is tried again. */
  retryMs: number;
  /** Variables of every container: where the API server is. */
  serviceEnv: Readonly<Record<string, string>>;
  allocatable(): Record<string, number>;
  /** Undefined: the node takes it (and its devices are allocated). */
  admit(pod: Pod): { reason: string; message: string } | undefined;
  annotate(pod: Pod, gpus: string): Promise<void>;
  /** Takes what the pod's claims have on this node; rejects where it cannot be had (yet). */
  prepareClaims(pod: Pod): Promise<PreparedClaims>;
  hostLines(uid: string): HostLine[];
  /** Peers that this pod names and whose address is not known yet. */
  missingPeers(pod: Pod, values: readonly string[]): string[];
  addressKnown(): void;
  gone(uid: string): void;
}
