/**
 * The process runtime: a container is a supervised tree of host processes. On Linux it has its own mount, pid and
 * host-name namespaces and its own control groups; elsewhere, or where the host forbids them, a process group. Containers
 * outlive the agent: see container-files.ts for what it finds again, scripts.ts for what runs.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type ExecOptions, type LogOptions, type StreamSession } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Clock, Logger } from '@coracle/operator';
import {
  type ContainerHandle,
  type ContainerSpec,
  type ContainerState,
  MountError,
  type PodSandbox,
  type Runtime,
  type RuntimeEvents,
} from '../runtime.ts';
import { PodAddresses } from './addresses.ts';
import { asCapabilities, type HostAbilities, probeHost } from './capabilities.ts';
import { ContainerCgroup, discard } from './cgroups.ts';
import {
  containerFolder,
  type ContainerRecord,
  readFinished,
  readIdentity,
  readJson,
  type SandboxRecord,
  startAbandoned,
  takeStartLock,
  writeAtomically,
} from './container-files.ts';
import { enterContainer, execSync, execStream } from './exec.ts';
import { bootId, signal, statOf, treeOf } from './host-process.ts';
import { linkVolume, makeHostPoints, removeHostPoints } from './host-points.ts';
import { hostTree } from './host-tree.ts';
import { hostsText, writeInPlace } from './hosts-file.ts';
import { type MountRequest, planMounts } from './mount-plan.ts';
import { readLogs } from './read-logs.ts';
import { commandProblem } from './resolve-command.ts';
import { toolPath } from './tool-path.ts';
import { runScript, superviseScript } from './scripts.ts';
import { markerName, SupervisedContainer } from './supervised-container.ts';

export interface ProcessRuntimeOptions {
  /** Folder that holds everything; it must outlive the agent. Made if missing. */
  dataDir: string;
  clock: Clock;
  logger: Logger;
  /** Variables every container starts from, before its own. Default: those of this process that programs need to run at all. */
  baseEnv?: Record<string, string> | undefined;
  /** Leave namespaces or cgroups unused although the host has them. */
  forbid?: { isolation?: boolean; cgroups?: boolean } | undefined;
}

const inherited = [
  'PATH HOME USER LOGNAME LANG LC_ALL TZ TMPDIR',
  'LD_LIBRARY_PATH VIRTUAL_ENV CONDA_PREFIX SSL_CERT_FILE SSL_CERT_DIR',
].flatMap((line) => line.split(' '));

function hostEnv(): Record<string, string> {
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Looks at the host and makes the runtime; nothing is started. Call `recover` before `start`. */
export async function processRuntime(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
  mkdirSync(join(options.dataDir, 'pods'), { recursive: true, mode: 0o755 });
  return new ProcessRuntime(options, await probeHost(options.forbid));
}

/** How often live containers are looked at although no file event came. */
const lookEveryMs = 1000;

export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly host: HostAbilities;
  readonly #clock: Clock;
  readonly #podsFolder: string;
  readonly #baseEnv: Record<string, string>;
  readonly #addresses = new PodAddresses();
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, SupervisedContainer>();
  readonly #listeners = new Set<RuntimeEvents>();
  #cancelLook: (() => void) | undefined;
  #closed = false;

  constructor(options: ProcessRuntimeOptions, host: HostAbilities) {
    this.#clock = options.clock;
    this.host = host;
    this.#podsFolder = resolve(options.dataDir, 'pods');
    this.#baseEnv = options.baseEnv ?? hostEnv();
    this.#lookRegularly();
  }

  capabilities(): ReturnType<Runtime['capabilities']> {
    return asCapabilities(this.host);
  }

  subscribe(events: RuntimeEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  async recover(): Promise<{ sandboxes: PodSandbox[]; containers: ContainerHandle[] }> {
    for (const podUid of readdirSync(this.#podsFolder)) {
      const folder = join(this.#podsFolder, podUid);
      const sandbox = readJson<SandboxRecord>(join(folder, 'sandbox.json'));
      if (sandbox === undefined) {
        await discard(folder);
        continue;
      }
      this.#sandboxes.set(podUid, sandbox);
      this.#addresses.adopt(podUid, sandbox.ip);
      const containers = join(folder, 'containers');
      for (const name of existsSync(containers) ? readdirSync(containers) : []) {
        const record = readJson<ContainerRecord>(join(containers, name, 'record.json'));
        if (record === undefined) await discard(join(containers, name));
        else await this.#recoverContainer(record, join(containers, name));
      }
    }
    return {
      sandboxes: [...this.#sandboxes.values()].map(({ podUid, ip }) => ({ podUid, ip })),
      containers: [...this.#containers.values()],
    };
  }

  async #recoverContainer(record: ContainerRecord, folder: string): Promise<void> {
    if (this.#containers.has(record.id)) return;
    const container = this.#adopt(record, folder);
    const outcome = readJson<{
      reason: Extract<ContainerState, { phase: 'exited' }>['reason'];
      message?: string;
    }>(join(folder, 'outcome.json'));
    const status = readFinished(join(folder, 'status'));
    if (outcome !== undefined && status !== undefined) {
      container.restoreEnd(Number(status), outcome);
      return;
    }
    if (record.bootId !== bootId()) {
      container.finish(137, 'ContainerStatusUnknown', 'The machine was restarted');
      return;
    }
    // The agent may have died between writing the record and the supervisor's first act: whoever takes the lock decides.
    if (readIdentity(join(folder, 'supervisor')) === undefined && status === undefined) {
      for (let tries = 0; tries < 20 && readIdentity(join(folder, 'supervisor')) === undefined; tries++)
        await delay(10);
      if (takeStartLock(folder) || startAbandoned(folder)) {
        // Nothing ran and nothing will: as if it had never been asked for.
        this.#containers.delete(record.id);
        await this.#removeCgroups(container.podUid, [container]);
        await discard(folder);
        return;
      }
    }
    container.follow();
    await container.look();
  }

  #adopt(record: ContainerRecord, folder: string): SupervisedContainer {
    const cgroup = this.host.cgroups
      ? new ContainerCgroup(this.host.cgroups, record.podUid, `${record.name}-${record.attempt}`)
      : undefined;
    const container = new SupervisedContainer(record, folder, cgroup, this.#clock, () => {
      // Nothing is left to limit or to count.
      void this.#removeCgroups(record.podUid, [container]);
      for (const listener of this.#listeners) listener.changed(record.podUid, record.id);
    });
    this.#containers.set(record.id, container);
    return container;
  }

  async createSandbox(pod: Pod): Promise<PodSandbox> {
    const podUid = pod.metadata.uid;
    const known = this.#sandboxes.get(podUid);
    if (known !== undefined) return { podUid, ip: known.ip };
    const ip = this.#addresses.assign(podUid);
    const { namespace = '', name } = pod.metadata;
    const record: SandboxRecord = { podUid, namespace, name, ip, hostFolders: [], hostFiles: [] };
    const folder = this.#podFolder(podUid);
    mkdirSync(join(folder, 'containers'), { recursive: true });
    writeInPlace(join(folder, 'hosts'), hostsText([]));
    this.#sandboxes.set(podUid, record);
    this.#saveSandbox(record);
    return { podUid, ip };
  }

  async updateHosts(podUid: string, hosts: ContainerSpec['hosts']): Promise<void> {
    if (this.#sandboxes.has(podUid)) writeInPlace(join(this.#podFolder(podUid), 'hosts'), hostsText(hosts));
  }

  async start(spec: ContainerSpec): Promise<ContainerHandle> {
    const podUid = spec.pod.metadata.uid;
    const sandbox = this.#sandboxes.get(podUid);
    if (sandbox === undefined) throw new Error(`pod ${podUid} has no sandbox`);
    await this.updateHosts(podUid, spec.hosts);
    const { container: wanted, attempt } = spec;
    const folder = containerFolder(this.#podFolder(podUid), wanted.name, attempt);
    await discard(folder);
    mkdirSync(join(folder, 'stage'), { recursive: true });
    const record: ContainerRecord = {
      id: `process://${randomUUID()}`,
      podUid,
      name: wanted.name,
      attempt,
      kind: spec.kind,
      bootId: bootId(),
      createdAt: this.#clock.now(),
      isolation: this.host.isolation,
      command: spec.command,
      workingDir: spec.workingDir,
      runAs: spec.runAs,
      stopSignal: wanted.lifecycle?.stopSignal,
    };
    const env = this.#envOf(spec, record.id);
    // Before anything is written: a refused mount leaves no container behind.
    const mounts = this.#mountsOf(spec, folder, sandbox);
    const container = this.#adopt(record, folder);
    writeAtomically(join(folder, 'record.json'), JSON.stringify(record));
    writeAtomically(join(folder, 'env.json'), JSON.stringify(env));
    const workingDir = spec.workingDir ?? '/';
    const problem = commandProblem(spec.command, env['PATH'] ?? '', workingDir, spec.mounts);
    if (problem !== undefined) {
      container.finish(128, 'StartError', problem);
      return container;
    }
    try {
      container.cgroup?.create(spec.limits);
    } catch (error) {
      container.finish(128, 'StartError', `cannot set limits: ${String(error)}`);
      return container;
    }
    const { isolation, boundedLogs } = this.host;
    const joinFiles = container.cgroup?.joinFiles ?? [];
    write(join(folder, 'supervise.sh'), superviseScript({ folder, isolation, joinFiles, boundedLogs }));
    write(
      join(folder, 'run.sh'),
      runScript({
        folder,
        isolation,
        hostname: spec.hostname,
        mountLines: mounts,
        workingDir,
        env,
        command: spec.command,
        runAs: this.host.userSwitch ? spec.runAs : undefined,
      }),
    );
    await this.#launch(container);
    return container;
  }

  /** Starts the supervisor and waits until the container runs (its mounts are made), or has failed to. */
  async #launch(container: SupervisedContainer): Promise<void> {
    container.follow();
    const child = spawn('sh', [join(container.folder, 'supervise.sh')], {
      cwd: '/',
      detached: true,
      stdio: 'ignore',
      env: { PATH: toolPath(), [markerName]: container.id },
    });
    child.on('error', (error) => {
      if (takeStartLock(container.folder)) container.finish(128, 'StartError', error.message);
    });
    child.on('exit', () => void container.look());
    child.unref();
    const limit = this.#clock.now() + 30_000;
    while (container.first === undefined && !container.exited) {
      await container.changed(25);
      if (container.first === undefined) await container.look();
      if (this.#clock.now() > limit && container.first === undefined && !container.exited) {
        container.kill();
        container.finish(128, 'StartError', 'the container did not start within 30 seconds');
      }
    }
  }

  #envOf(spec: ContainerSpec, id: string): Record<string, string> {
    return { ...this.#baseEnv, HOSTNAME: spec.hostname, ...spec.env, [markerName]: id };
  }

  /** Shell lines that make the mounts; what had to be made on the host for them is noted in the sandbox. */
  #mountsOf(spec: ContainerSpec, folder: string, sandbox: SandboxRecord): string[] {
    try {
      if (this.host.isolation === 'none') {
        for (const mount of spec.mounts) linkVolume(mount, sandbox, this.host.isolationWhy);
        return [];
      }
      const plan = planMounts(this.#requests(spec, sandbox), hostTree, folder);
      makeHostPoints(plan, sandbox);
      for (const [path, text] of Object.entries(plan.files)) write(path, text);
      return plan.lines;
    } catch (error) {
      throw new MountError(error instanceof Error ? error.message : String(error));
    } finally {
      this.#saveSandbox(sandbox);
    }
  }

  /** The pod's volumes, the file for its last words, and its hosts file. */
  #requests(spec: ContainerSpec, sandbox: SandboxRecord): MountRequest[] {
    const requests: MountRequest[] = [...spec.mounts];
    const add = (hostPath: string, mountPath: string): void => {
      if (!requests.some((each) => each.mountPath === mountPath))
        requests.push({ hostPath, mountPath, readOnly: false });
    };
    add(spec.terminationMessageFile, spec.container.terminationMessagePath ?? '/dev/termination-log');
    if (spec.pod.spec?.hostNetwork !== true)
      add(join(this.#podFolder(sandbox.podUid), 'hosts'), '/etc/hosts');
    return requests;
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined || container.exited) return;
    await this.#end(container, graceMs);
    await this.#removeCgroups(container.podUid, [container]);
  }

  async #end(container: SupervisedContainer, graceMs: number): Promise<void> {
    const { main } = container;
    if (graceMs > 0 && main !== undefined) {
      signal(main, (container.record.stopSignal ?? 'SIGTERM') as NodeJS.Signals);
      await this.#waitForExit(container, graceMs);
    }
    if (container.exited) return;
    container.kill();
    await this.#waitForExit(container, 10_000);
    if (!container.exited) {
      container.killSupervisor();
      container.finish(137, 'Error', 'killed; its exit was not reported within 10 seconds');
    }
  }

  async #waitForExit(container: SupervisedContainer, milliseconds: number): Promise<void> {
    const limit = this.#clock.now() + milliseconds;
    for (let left = milliseconds; left > 0 && !container.exited; left = limit - this.#clock.now()) {
      await container.changed(Math.min(left, 200));
      await container.look();
    }
  }

  async removeSandbox(podUid: string): Promise<void> {
    const containers = [...this.#containers.values()].filter((each) => each.podUid === podUid);
    await Promise.all(containers.map((each) => this.stop(each.id, 0)));
    for (const container of containers) {
      container.close();
      container.killLeftovers();
      container.killSupervisor();
      this.#containers.delete(container.id);
    }
    await this.#removeCgroups(podUid, containers);
    const sandbox = this.#sandboxes.get(podUid);
    if (sandbox !== undefined) {
      removeHostPoints(sandbox);
      this.#addresses.release(sandbox.ip);
      this.#sandboxes.delete(podUid);
    }
    await discard(this.#podFolder(podUid));
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    await this.stop(id, 0);
    container.close();
    container.killLeftovers();
    this.#containers.delete(id);
    await this.#removeCgroups(container.podUid, [container]);
    await discard(container.folder);
  }

  /** Removes containers' control groups; one is busy until its last process has quite gone. Then the pod's, if that is empty. */
  async #removeCgroups(podUid: string, containers: readonly SupervisedContainer[]): Promise<void> {
    for (const container of containers) {
      for (let tries = 0; container.cgroup?.remove() === false && tries < 50; tries++) await delay(10);
    }
    if (this.host.cgroups !== undefined) new ContainerCgroup(this.host.cgroups, podUid, '').removePod();
  }

  async *logs(id: string, options: LogOptions, abort: AbortSignal): AsyncGenerator<Uint8Array> {
    const container = this.#known(id);
    yield* readLogs(
      {
        files: container.logFiles,
        index: container.logIndex,
        ended: () => container.exited || this.#closed || !this.#containers.has(id),
        more: (signal) => container.changed(500, signal),
        now: () => this.#clock.now(),
      },
      options,
      abort,
    );
  }

  async exec(id: string, options: ExecOptions, session: StreamSession): Promise<void> {
    await execStream(this.#entry(id), options, session, this.host);
  }

  execSync(id: string, command: string[], timeoutMs: number): Promise<{ exitCode: number; output: string }> {
    return execSync(this.#entry(id), command, timeoutMs, this.#clock);
  }

  #entry(id: string): ReturnType<typeof enterContainer> {
    return enterContainer(this.#known(id));
  }

  async usage(id: string): Promise<{ cpuNanos: number; memoryBytes: number } | undefined> {
    const container = this.#known(id);
    const { first } = container;
    if (container.exited || first === undefined) return undefined;
    const counted = container.cgroup?.usage();
    if (counted !== undefined) return counted;
    const stats = treeOf(first.pid).flatMap((pid) => statOf(pid) ?? []);
    const sum = (of: (stat: (typeof stats)[number]) => number): number =>
      stats.reduce((total, stat) => total + of(stat), 0);
    return {
      cpuNanos: sum((stat) => stat.ticks) * 10_000_000,
      memoryBytes: sum((stat) => stat.pages) * 4096,
    };
  }

  #known(id: string): SupervisedContainer {
    const container = this.#containers.get(id);
    if (container === undefined) throw new ApiError('NotFound', `container ${id} is gone with its pod`);
    return container;
  }

  #podFolder(podUid: string): string {
    return join(this.#podsFolder, podUid);
  }

  #saveSandbox(record: SandboxRecord): void {
    writeAtomically(join(this.#podFolder(record.podUid), 'sandbox.json'), JSON.stringify(record));
  }

  #lookRegularly(): void {
    this.#cancelLook = this.#clock.after(lookEveryMs, () => {
      for (const container of this.#containers.values()) void container.look();
      if (!this.#closed) this.#lookRegularly();
    });
  }

  /** Ends and removes every pod there is, those of earlier agents too: for taking a machine down. */
  async removeAll(): Promise<void> {
    const { sandboxes } = await this.recover();
    await Promise.all(sandboxes.map(({ podUid }) => this.removeSandbox(podUid)));
  }

  /** Lets go of everything; containers go on running. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook?.();
    for (const container of this.#containers.values()) container.close();
  }
}

const write = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o600 });
