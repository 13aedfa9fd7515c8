/**
 * Puts an engine together: store, API server, controllers, scheduler, operators and nodes in this process, each part as its
 * own user of the API. The API answers first; what only reads and writes it starts after.
 */
import {
  builtinAdmission,
  createApiServer,
  createAuthentication,
  createAuthorizer,
  createLookup,
  createPki,
  createTokenKeys,
  loadOrCreatePki,
} from '@coracle/apiserver';
import type { Kubeconfig, Client } from '@coracle/client';
import { createClient, inProcessTransport, writeKubeconfig } from '@coracle/client';
import { controllers, localProvisioner } from '@coracle/controllers';
import { createRegistry, seededRandom } from '@coracle/machinery';
import type { Credentials, Unstructured } from '@coracle/machinery';
import { createInformerFactory, createSpareTime, systemClock } from '@coracle/operator';
import type { Clock, Component, InformerFactory, Logger } from '@coracle/operator';
import type { DeclaredTopology, VirtualNodesOptions } from '@coracle/node';
import { createScheduler, defaultProfile, gpuPolicies, gpuProfile, podGroupCrds } from '@coracle/scheduler';
import type { Scheduler, SchedulerConfig } from '@coracle/scheduler';
import { memoryStore, openStore } from '@coracle/store';
import { trainingControllers, trainingCrds, trainingRuntimes } from '@coracle/training';
import { rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMissing } from './bootstrap.ts';
import { forgetEngine, noteEngine } from './home.ts';
import type { Home } from './home.ts';
import { identities } from './identities.ts';
import { engineObjects } from './objects.ts';
import { engineKubeconfig } from './kubeconfig.ts';
import { certificateSigner } from './certificate-signer.ts';
import { createGateway } from './gateway.ts';
import { makeFolder } from './make-folder.ts';
import { startNodes } from './nodes.ts';
import { schedulingReview } from './scheduling-review.ts';
import { pooledInformers } from './pooled-informers.ts';
import { eventRecorders } from './recorders.ts';

export interface EngineOptions {
  /** Where it keeps its things; absent: nothing is kept on disk. */
  home?: Home;
  /** Address to listen on. */
  host: string;
  /** 0: a free one. */
  port: number;
  /** GPUs to declare; absent: look for real ones. */
  fakeGpus?: number;
  /** How declared GPUs are linked. */
  fakeGpuTopology?: DeclaredTopology;
  /** Declared GPUs can be had in partitions (MIG). */
  fakeGpuMig?: boolean;
  virtualNodes: number;
  /** What each virtual node is called, has and is labelled with, by its number; default: as `virtualNodes` of the node package. */
  virtualShape?: Pick<VirtualNodesOptions, 'names' | 'capacity' | 'labels'>;
  /** What is left to chance comes out of it: what befalls virtual nodes and their pods, generated names, and the lots. */
  seed?: number | undefined;
  /** Of the node that runs processes; default: the host's name. `false`: no such node. */
  nodeName?: string | false;
  /** Profiles and queue of the scheduler; default: kube-scheduler's. `false`: no scheduler. */
  scheduler?: Pick<SchedulerConfig, 'profiles' | 'queue'> | false | undefined;
  /** Jobs whose pods can only work together get a pod group; default: no, as in Kubernetes 1.36. */
  gangJobs?: boolean;
  /** Nodes say that they are there, and count as lost when they do not. Default: yes. No: for virtual nodes that cannot be lost. */
  heartbeats?: boolean;
  /** What time it is for everything but the processes of containers. Default: the machine's. */
  clock?: Clock;
  /** In [0, 1): by it the scheduler chooses among equals. Default: Math.random. */
  lots?: () => number;
  logger: Logger;
  /** Ends a start that is under way: it rejects with the signal's reason, with everything undone. */
  signal?: AbortSignal | undefined;
  /** Told what takes long at the start, for who waits. */
  progress?: ((text: string) => void) | undefined;
}

export interface Engine {
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  /** Milliseconds from the start of the process (or of `startEngine`) until the API answered. */
  readonly readyMs: number;
  readonly kubeconfig: Kubeconfig;
  /** Where the kubeconfig of this engine alone lies; undefined for one in memory. */
  readonly kubeconfigPath: string | undefined;
  /** Administrator, in-process. */
  readonly admin: Client;
  clientFor(credentials: Credentials): Client;
  /** What the user should know about this machine (what the runtime cannot do here). */
  readonly notes: readonly string[];
  /** Writes down that everything is up, for who waits for an engine in the background. */
  noteReady(published: { kubeconfig?: string; context?: string }): Promise<void>;
  /** Stops everything, containers too, and closes the store. */
  close(): Promise<void>;
}

/** Schedulers that manifests name; there is no other here to take their pods. */
const schedulerNames = ['default-scheduler', 'coracle', 'scheduler-plugins-scheduler', 'volcano'];

/** History of a store in memory: enough for a watch that is behind, and for a list by pages while thousands of writes a second go on. */
const inMemory = { keepEvents: 100_000, everyMs: 5000 };

/** Starts an engine. Rejects, with everything undone, if the store is in use, the port is taken, or a part fails. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const began = performance.now();
  const { home, logger, clock = systemClock } = options;
  const undo: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step; step = undo.pop()) {
      try {
        await step();
      } catch (error) {
        logger.error({ error: String(error) }, 'stopping a part of the engine failed');
      }
    }
    // Of a start that was ended: what is still coming up is undone as it comes.
    undo.push = (...late) => {
      for (const step of late)
        void (async () => step())().catch((error: unknown) =>
          logger.error({ error: String(error) }, 'stopping a part of the engine failed'),
        );
      return 0;
    };
  };
  try {
    if (home) await makeFolder(home.root);
    const pkiOptions = options.host === '127.0.0.1' ? {} : { hosts: [options.host, hostname()] };
    const [store, pki] = await Promise.all([
      // In memory history costs memory: without an end to it the leases of thousands of nodes would add up for ever.
      home ? openStore({ path: home.store, autoCompact: {} }) : memoryStore({ autoCompact: inMemory }),
      home ? loadOrCreatePki(home.pki, pkiOptions) : createPki(pkiOptions),
    ]);
    undo.push(() => store.close());

    // Another one after a restart: names that have been generated are taken.
    const chance = (purpose: string): (() => number) =>
      options.seed === undefined ? Math.random : seededRandom(`${options.seed} ${purpose} ${store.revision}`);
    const { lots = chance('lots') } = options;
    const registry = createRegistry();
    const gateway = createGateway();
    const now = (): Date => new Date(clock.now());
    const lookup = createLookup(store);
    const tokenKeys = createTokenKeys(pki.serviceAccountKey);
    const authorizer = createAuthorizer({ lookup });
    /** Set when there is one; the server that asks it is made before. */
    const explainer: { scheduler?: Scheduler } = {};
    const server = createApiServer({
      ...(options.scheduler === false
        ? {}
        : { reviews: [schedulingReview(() => explainer.scheduler, authorizer)] }),
      store,
      registry,
      lookup,
      authentication: createAuthentication({ tokenKeys, lookup, now }),
      authorizer,
      admission: builtinAdmission({
        lookup,
        authorizer,
        now,
        storageProtection: true,
        podGroupProtection: true,
      }),
      tokenKeys,
      nodes: gateway,
      now,
      random: chance('names'),
      logger: {
        info: (message, fields = {}) => logger.info(fields, message),
        warn: (message, fields = {}) => logger.warn(fields, message),
        error: (message, fields = {}) => logger.error(fields, message),
      },
    });
    undo.push(() => server.close());
    const { port } = await server.listen({
      host: options.host,
      port: options.port,
      tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
    });
    await server.bootstrap({ endpoint: { address: options.host, port } });
    const address = `https://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;

    const clientFor = (credentials: Credentials): Client =>
      createClient(inProcessTransport(server.handler, credentials));
    const boot = clientFor(identities.bootstrap);

    const note = { pid: process.pid, server: address, startedAt: now().toISOString() };
    const kubeconfig = engineKubeconfig(address, pki.authority.certificate, pki.admin);
    if (home) {
      await writeKubeconfig(home.kubeconfig, kubeconfig);
      await noteEngine(home, note);
      undo.push(() => forgetEngine(home));
    }
    const readyMs = performance.now() - began;

    await createMissing(boot, registry, lookup, [
      ...engineObjects(),
      ...([...trainingCrds(), ...podGroupCrds()] as Unstructured[]),
    ]);
    await createMissing(boot, registry, lookup, trainingRuntimes() as Unstructured[]);

    const factory = (client: Client): InformerFactory => {
      const informers = createInformerFactory({ client, clock, logger });
      undo.push(() => informers.stop());
      return informers;
    };
    // What this machine has to spare, whatever time it is said to be.
    const spareTime = createSpareTime({ clock: systemClock });
    const { recorder, settle } = eventRecorders(spareTime, clock, logger);
    undo.push(settle);
    const start = async (informers: InformerFactory, components: readonly Component[]): Promise<void> => {
      for (const component of components) undo.push(() => component.stop());
      await informers.start();
      await Promise.all(components.map((component) => component.start()));
    };

    const shared = factory(clientFor(identities.controllerManager));
    const as = (component: string): Client => clientFor(identities.controller(component));
    const managed = controllers(
      {
        client: as,
        informers: shared,
        clock,
        recorder: (component) => recorder(as(component), component),
        logger,
        random: Math.random,
        rootCa: pki.authority.certificate,
      },
      {
        job: { gangs: options.gangJobs === true },
        ...(options.heartbeats === false && {
          nodeLifecycle: { health: { graceMs: Infinity, startupMs: Infinity } },
        }),
      },
    );
    const signer = certificateSigner({
      client: as('certificate-controller'),
      informers: shared,
      clock,
      logger,
      authority: pki.authority,
      now,
    });
    const volumesRoot = home?.volumes ?? join(tmpdir(), `coracle-volumes-${process.pid}-${port}`);
    if (!home) undo.push(() => rm(volumesRoot, { recursive: true, force: true }));
    const provisioner = localProvisioner(
      {
        client: as('local-volume-provisioner'),
        informers: shared,
        clock,
        recorder: recorder(as('local-volume-provisioner'), 'local-volume-provisioner'),
        logger,
        random: Math.random,
      },
      { root: volumesRoot, remove: (path) => rm(path, { recursive: true, force: true }) },
    );
    const training = trainingControllers({
      client: as('trainer-controller'),
      informers: shared,
      clock,
      recorder: recorder(as('trainer-controller'), 'trainer-controller'),
      logger,
    });
    const schedulerClient = clientFor(identities.scheduler);
    const schedulerInformers = pooledInformers(factory(schedulerClient), shared);
    const schedulers =
      options.scheduler === false
        ? []
        : [
            createScheduler({
              client: schedulerClient,
              informers: schedulerInformers,
              clock,
              random: lots,
              recorder: recorder(schedulerClient, 'default-scheduler'),
              logger,
              config: {
                profiles: [
                  ...schedulerNames.map((name) => defaultProfile({ schedulerName: name })),
                  ...gpuPolicies.map((policy) => gpuProfile(policy)),
                ],
                ...options.scheduler,
              },
            }),
          ];
    if (schedulers[0]) explainer.scheduler = schedulers[0];
    const notes: string[] = [];
    const everything = Promise.all([
      start(shared, [...managed, ...training, signer, provisioner]),
      start(schedulerInformers, schedulers),
      startNodes({
        options,
        clock,
        address: { host: options.host, port },
        clientFor,
        factory,
        shared,
        recorder,
        spareTime,
        gateway,
        notes,
        undo,
      }),
    ]);
    await (options.signal ? unlessAborted(options.signal, everything) : everything);
    return {
      server: address,
      readyMs,
      kubeconfig,
      kubeconfigPath: home?.kubeconfig,
      admin: boot,
      clientFor,
      notes,
      noteReady: async (ready) => {
        if (home) await noteEngine(home, { ...note, ready });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the work comes to; rejects with the signal's reason if that aborts before. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
