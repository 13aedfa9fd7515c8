/**
 * The node agent: an API client that registers a Node, watches the pods bound to it and runs each by a worker
 * (pod-worker.ts) on a runtime. It holds nothing that a restarted agent could not find again: pods are in the API,
 * containers in the runtime's folder, devices in a checkpoint.
 */
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@coracle/client';
import {
  formatTime,
  indexAnnotation,
  isReason,
  type KubeletApi,
  topologyAnnotation,
  writeIndices,
} from '@coracle/machinery';
import {
  ConfigMap,
  type discovery_v1,
  EndpointSlice,
  Pod,
  ResourceClaim,
  Secret,
  type Taint,
} from '@coracle/machinery/api';
import {
  type Clock,
  type Component,
  type EventRecorder,
  find,
  type InformerFactory,
  type Logger,
} from '@coracle/operator';
import { prepareClaims } from '../devices/claims.ts';
import { type DeviceManager, gpuAnnotation, gpuResource } from '../devices/device-manager.ts';
import { gpuLabels } from '../devices/gpus.ts';
import { BackOff, type BackOffOptions } from '../pod/back-off.ts';
import { hostnameOf, isTerminalPhase } from '../pod/containers.ts';
import { amountsOf } from '../pod/resources.ts';
import type { HostLine } from '../process/hosts-file.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';
import { removeVolumes } from '../volumes/pod-volumes.ts';
import { TokenManager } from '../volumes/tokens.ts';
import { admitPod } from './admission.ts';
import { Heartbeat } from './heartbeat.ts';
import { hostLines, type LocalPod, peersOf } from './hosts.ts';
import { kubeletApi } from './kubelet-api.ts';
import { NodeCards } from './node-cards.ts';
import { hostCapacity, hostInfo, type NodeDescription, standardLabels } from './node-object.ts';
import { PodWorker } from './pod-worker.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface NodeAgentOptions {
  client: Client;
  /** Where informers come from: pods of this node, and EndpointSlices. Started by whoever made it, or by `start`. */
  informers: InformerFactory;
  clock: Clock;
  recorder: EventRecorder;
  logger: Logger;
  nodeName: string;
  runtime: Runtime;
  devices: DeviceManager;
  /** For volumes and termination messages. The runtime has its own. */
  dataDir: string;
  labels?: Record<string, string> | undefined;
  taints?: Taint[] | undefined;
  /** Over what the machine has. */
  capacity?: Record<string, string> | undefined;
  /** Taken off capacity for the machine itself: `{ cpu: '500m' }`. */
  reserved?: Record<string, string> | undefined;
  /** The node's address; 127.0.0.1 by default. */
  address?: string | undefined;
  /** Variables of every container, such as KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  serviceEnv?: Record<string, string> | undefined;
  backOff?: BackOffOptions | undefined;
  /** How often configMap, secret and token volumes are brought up to date; 20 s. */
  volumeRefreshMs?: number | undefined;
  /** How long to wait before a container that could not be made is tried again; 2 s. */
  retryMs?: number | undefined;
  /** End all containers on `stop`; else they go on running for the next agent to find. */
  stopContainersOnStop?: boolean | undefined;
}

export interface NodeAgent extends Component {
  readonly kubelet: KubeletApi;
}

export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  return new Agent(options);
}

class Agent implements NodeAgent {
  readonly name: string;
  readonly kubelet: KubeletApi;
  readonly #options: NodeAgentOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #deps: WorkerDeps;
  readonly #heartbeat: Heartbeat;
  readonly #description: NodeDescription;
  readonly #slices: () => readonly discovery_v1.EndpointSlice[];
  readonly #undo: (() => void)[] = [];
  /** Containers found at start whose pods the API has not told of yet. */
  #recovered = new Map<string, { ip?: string; containers: ContainerHandle[] }>();
  #cancelHosts: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;
  readonly #writtenHosts = new Map<string, string>();
  #started = false;
  readonly #cards: NodeCards;

  constructor(options: NodeAgentOptions) {
    const { client, clock, nodeName, devices, runtime } = options;
    this.#options = options;
    this.name = `node-agent/${nodeName}`;
    this.#description = describe(options);
    const volumesFolder = join(options.dataDir, 'volumes');
    const allocatable = amountsOf(this.#description.allocatable);
    this.#deps = {
      client,
      clock,
      recorder: options.recorder,
      logger: options.logger,
      runtime,
      devices,
      backOff: new BackOff(options.backOff),
      sources: {
        configMap: (namespace, name) => find(client, ConfigMap, { name, namespace }),
        secret: (namespace, name) => find(client, Secret, { name, namespace }),
      },
      tokens: new TokenManager(client, clock),
      nodeName,
      hostIP: this.#description.address,
      volumesFolder,
      retryMs: options.retryMs ?? 2000,
      serviceEnv: options.serviceEnv ?? {},
      allocatable: () => allocatable,
      admit: (pod) => this.#admit(pod),
      annotate: (pod, gpus) => this.#annotate(pod, gpus),
      prepareClaims: (pod) =>
        prepareClaims(pod, {
          nodeName,
          devices,
          claim: (namespace, name) => find(client, ResourceClaim, { name, namespace }),
        }),
      hostLines: (uid) => this.#hostLines(uid),
      missingPeers: (pod, values) => this.#missingPeers(pod, values),
      addressKnown: () => this.#hostsSoon(),
      gone: (uid) => {
        this.#workers.delete(uid);
        this.#writtenHosts.delete(uid);
        this.#hostsSoon();
      },
    };
    this.#cards = new NodeCards({
      client,
      clock,
      logger: options.logger,
      nodeName,
      devices,
      register: () => this.#heartbeat.register(),
    });
    this.#heartbeat = new Heartbeat({
      client,
      clock,
      logger: options.logger,
      describe: () => this.#cards.describe(this.#description),
    });
    this.kubelet = kubeletApi({ nodeName, clock, runtime, workers: this.#workers });
    const slices = options.informers.informer(EndpointSlice);
    this.#slices = () => slices.list();
  }

  async start(): Promise<void> {
    const { runtime, informers, nodeName, devices, logger } = this.#options;
    mkdirSync(this.#deps.volumesFolder, { recursive: true });
    if (devices.problem !== undefined) logger.error({ node: nodeName }, devices.problem);
    await this.#recover();
    this.#undo.push(runtime.subscribe({ changed: (podUid) => this.#workers.get(podUid)?.wake() }));
    const pods = informers.informer(Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
    const slices = informers.informer(EndpointSlice);
    const onSlices = (): void => this.#hostsSoon();
    await this.#heartbeat.start();
    await this.#restoreCards();
    this.#cards.start();
    this.#undo.push(
      () => this.#cards.stop(),
      pods.on({
        add: (pod) => this.#seen(pod),
        update: (_before, pod) => this.#seen(pod),
        delete: (pod) => this.#workers.get(pod.metadata.uid)?.removed(),
      }),
      slices.on({ add: onSlices, update: onSlices, delete: onSlices }),
    );
    await informers.start();
    await Promise.all([pods.ready(), slices.ready()]);
    await this.#sweep();
    this.#started = true;
    this.#warnOfMissing();
    this.#refreshRegularly();
  }

  async stop(): Promise<void> {
    this.#heartbeat.stop();
    this.#cards.stop();
    this.#cancelHosts?.();
    this.#cancelRefresh?.();
    for (const undo of this.#undo) undo();
    for (const worker of this.#workers.values()) worker.close();
    if (this.#options.stopContainersOnStop === true) {
      const { runtime } = this.#options;
      await this.#noteShutdown();
      // A pass under way may be starting a container: it is to be stopped too. One that waits for a grace period is not waited for.
      const late = Promise.withResolvers<void>();
      const cancel = this.#options.clock.after(3000, late.resolve);
      await Promise.race([
        Promise.all([...this.#workers.values()].map((worker) => worker.settled())),
        late.promise,
      ]);
      cancel();
      const handles = [...this.#workers.values()].flatMap((worker) =>
        [...(worker.pod.spec?.initContainers ?? []), ...(worker.pod.spec?.containers ?? [])].flatMap(
          (container) => worker.handle(container.name) ?? [],
        ),
      );
      await Promise.all(handles.map((handle) => runtime.stop(handle.id, 2000)));
    }
    await this.#options.runtime.close();
  }

  /**
   * As a kubelet does when its machine is shut down: pods that will not be restarted get the condition by which controllers
   * tell such an end from a failure of the program (a Job's podFailurePolicy, for one).
   */
  async #noteShutdown(): Promise<void> {
    const ending = [...this.#workers.values()].filter(
      ({ pod }) => pod.spec?.restartPolicy === 'Never' && !isTerminalPhase(pod.status),
    );
    await Promise.all(
      ending.map(async ({ pod }) => {
        const { name, namespace, uid } = pod.metadata;
        const condition = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'TerminationByKubelet',
          message: 'Pod was terminated in response to imminent node shutdown.',
          lastTransitionTime: formatTime(this.#options.clock.now()),
        };
        try {
          const patch = { metadata: { uid }, status: { conditions: [condition] } };
          await this.#options.client.patch(Pod, name, 'strategic', patch, {
            namespace,
            subresource: 'status',
          });
        } catch (error) {
          // Gone already, or no API to tell: the pod then ends as one that failed.
          this.#options.logger.debug(
            { pod: `${namespace}/${name}`, error: String(error) },
            'shutdown not noted',
          );
        }
      }),
    );
  }

  async #recover(): Promise<void> {
    const { sandboxes, containers } = await this.#options.runtime.recover();
    const found = new Map<string, { ip?: string; containers: ContainerHandle[] }>();
    for (const { podUid, ip } of sandboxes) found.set(podUid, { ip, containers: [] });
    for (const handle of containers) {
      const entry = found.get(handle.podUid) ?? { containers: [] };
      entry.containers.push(handle);
      found.set(handle.podUid, entry);
    }
    this.#recovered = found;
  }

  /** Containers of pods of which it is not known any more which cards they have are ended. */
  async #restoreCards(): Promise<void> {
    const { logger, runtime } = this.#options;
    for (const { metadata } of await this.#cards.restore(new Set(this.#recovered.keys()))) {
      logger.error(
        { pod: `${metadata.namespace}/${metadata.name}` },
        'which cards it has is not known: it starts anew',
      );
      await runtime.removeSandbox(metadata.uid);
      this.#recovered.delete(metadata.uid);
    }
  }

  #seen(pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker !== undefined) return worker.update(pod);
    const recovered = this.#recovered.get(uid) ?? { containers: [] };
    this.#recovered.delete(uid);
    const made = new PodWorker(this.#deps, pod, recovered);
    this.#workers.set(uid, made);
    made.wake();
  }

  /** What was found at start and belongs to no pod of the API is ended; so are its volumes and devices. */
  async #sweep(): Promise<void> {
    const { runtime, devices, logger } = this.#options;
    for (const podUid of this.#recovered.keys()) {
      logger.info({ podUid }, 'removing containers of a pod that is no more');
      await runtime.removeSandbox(podUid);
    }
    this.#recovered.clear();
    const known = new Set(this.#workers.keys());
    devices.retain(known);
    for (const uid of await readdir(this.#deps.volumesFolder))
      if (!known.has(uid) && !this.#workers.has(uid)) await removeVolumes(this.#deps.volumesFolder, uid);
  }

  #admit(pod: Pod): ReturnType<typeof admitPod> {
    const others = [...this.#workers.values()]
      .filter((worker) => worker.active && worker.uid !== pod.metadata.uid)
      .map((worker) => worker.pod);
    // Other labels than ours may have been put on the Node: only a contradiction to ours is a refusal.
    const labels = { ...pod.spec?.nodeSelector, ...this.#description.labels };
    return admitPod(pod, { allocatable: this.#deps.allocatable(), labels }, others, this.#options.devices);
  }

  /** So that users see which worker ran on which card, and the scheduler which cards are left. */
  async #annotate(pod: Pod, gpus: string): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const before = pod.metadata.annotations ?? {};
    const indices = writeIndices(this.#options.devices.numbers(uid));
    if (before[gpuAnnotation] === gpus && before[indexAnnotation] === indices) return;
    const annotations = { [gpuAnnotation]: gpus, [indexAnnotation]: indices };
    try {
      await this.#options.client.patch(
        Pod,
        name,
        'merge',
        { metadata: { uid, annotations } },
        // A node may write its pods' status, and annotations along with it, but not the pods themselves.
        { namespace, subresource: 'status' },
      );
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict'))
        this.#options.logger.warn(
          { pod: `${namespace}/${name}`, error: String(error) },
          'the pod was not annotated',
        );
    }
  }

  #local(): LocalPod[] {
    return [...this.#workers.values()].flatMap((worker) =>
      worker.ip === undefined ? [] : [{ pod: worker.pod, ip: worker.ip }],
    );
  }

  #hostLines(uid: string): HostLine[] {
    const worker = this.#workers.get(uid);
    if (worker?.ip === undefined) return [];
    return hostLines({ pod: worker.pod, ip: worker.ip }, peersOf(this.#local(), this.#slices()));
  }

  /** Rewrites hosts files a moment later, once for all changes that come together. */
  #hostsSoon(): void {
    this.#cancelHosts ??= this.#options.clock.after(20, () => {
      this.#cancelHosts = undefined;
      const peers = peersOf(this.#local(), this.#slices());
      for (const worker of this.#workers.values()) {
        if (worker.ip === undefined) continue;
        const lines = hostLines({ pod: worker.pod, ip: worker.ip }, peers);
        const text = JSON.stringify(lines);
        if (this.#writtenHosts.get(worker.uid) === text) continue;
        this.#writtenHosts.set(worker.uid, text);
        void this.#options.runtime.updateHosts(worker.uid, lines).catch(() => undefined);
        // Without mount namespaces a start may have waited for a name.
        if (!this.#options.runtime.capabilities().mountNamespace.available) worker.wake();
      }
    });
  }

  #missingPeers(pod: Pod, values: readonly string[]): string[] {
    const { subdomain } = pod.spec ?? {};
    if (subdomain === undefined || subdomain === '') return [];
    const known = new Set(this.#hostLines(pod.metadata.uid).flatMap((line) => line.names));
    const pattern = new RegExp(`(?<![\\w.-])([a-z0-9-]+)\\.${subdomain}(?![\\w-])`, 'g');
    const named = values.flatMap((value) => [...value.matchAll(pattern)].map((match) => match[0]));
    return [...new Set(named)].filter((name) => !known.has(name) && !name.startsWith(`${hostnameOf(pod)}.`));
  }

  #refreshRegularly(): void {
    this.#cancelRefresh = this.#options.clock.after(this.#options.volumeRefreshMs ?? 20_000, () => {
      void (async () => {
        for (const worker of this.#workers.values()) await worker.refreshVolumes();
        if (this.#started) this.#refreshRegularly();
      })();
    });
  }

  /** One event on the Node for each thing this host does not allow. */
  #warnOfMissing(): void {
    const { runtime, recorder, nodeName } = this.#options;
    if (runtime.name !== 'process') return;
    const what = {
      mountNamespace: 'volumes are linked or refused, and host names in variables are replaced by addresses',
      pidNamespace: 'processes that leave their container are found by their environment',
      cgroup: 'CPU and memory limits are not enforced',
      userSwitch: 'runAsUser and runAsGroup are ignored',
    };
    for (const [name, { available, why }] of Object.entries(runtime.capabilities())) {
      if (available) continue;
      recorder.event(
        { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName },
        'Warning',
        'CapabilityMissing',
        `${name} is not available (${why ?? 'unknown'}): ${what[name as keyof typeof what]}`,
      );
    }
  }
}

function describe(options: NodeAgentOptions): NodeDescription {
  const { devices, nodeName, runtime } = options;
  mkdirSync(options.dataDir, { recursive: true });
  const capacity: Record<string, string> = { ...hostCapacity(options.dataDir), ...options.capacity };
  if (devices.cards.length > 0) capacity[gpuResource] = String(devices.cards.length);
  return {
    name: nodeName,
    address: options.address ?? '127.0.0.1',
    labels: { ...standardLabels(nodeName), ...gpuLabels(devices.devices), ...options.labels },
    ...(devices.cards.length > 0
      ? { annotations: { [topologyAnnotation]: JSON.stringify(devices.topology) } }
      : {}),
    taints: options.taints ?? [],
    capacity,
    allocatable: lessReserved(capacity, options.reserved ?? {}),
    info: hostInfo(runtime.name === 'process' ? 'coracle-process' : `coracle-${runtime.name}`),
  };
}

function lessReserved(
  capacity: Readonly<Record<string, string>>,
  reserved: Readonly<Record<string, string>>,
): Record<string, string> {
  const left = { ...capacity };
  const have = amountsOf(capacity);
  for (const [name, amount] of Object.entries(amountsOf(reserved))) {
    if (have[name] === undefined) continue;
    const rest = Math.max(0, have[name] - amount);
    left[name] = name === 'cpu' ? `${rest}m` : String(rest);
  }
  return left;
}
