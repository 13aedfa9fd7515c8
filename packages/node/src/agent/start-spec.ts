/** Everything a runtime must be told to start a container of a pod. */
import type { Container } from '@coracle/machinery/api';
import { claimedCards } from '../devices/claims.ts';
import { gpuEnvironment } from '../devices/device-manager.ts';
import { giveCards, wantsCards } from '../devices/pod-cards.ts';
import { type ContainerKind, hostnameOf } from '../pod/containers.ts';
import { containerEnvironment, ContainerConfigError } from '../pod/environment.ts';
import type { Gpu } from '../devices/gpus.ts';
import { expand } from '../pod/expand.ts';
import { amountsOf } from '../pod/resources.ts';
import { type ContainerSpec, MountError } from '../runtime.ts';
import { replaceNames } from './hosts.ts';
import type { PodWorker } from './pod-worker.ts';
import { makeTerminationMessageFile, terminationMessageFile } from './termination-message.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Where a container without `workingDir` starts: a process has no image to say it. */
const workingDirectoryAnnotation = 'coracle.dev/working-directory';

/** Rejects with ContainerConfigError or MountError, in words for the container's waiting message. */
export async function startSpec(
  deps: WorkerDeps,
  worker: PodWorker,
  container: Container,
  kind: ContainerKind,
  attempt: number,
): Promise<ContainerSpec> {
  const { pod, volumes } = worker;
  const declared = await containerEnvironment({
    pod,
    container,
    facts: worker.facts,
    sources: deps.sources,
    volumeFile: (volume, path) => volumes.file(volume, path),
  });
  let env: Record<string, string> = { ...deps.serviceEnv, ...declared };
  if (deps.devices.devices.length > 0) env = { ...env, ...gpuEnvironment(cardsOf(deps, worker, container)) };
  let command = [...(container.command ?? []), ...(container.args ?? [])].map((word) => expand(word, env));
  if (
    deps.runtime.name === 'process' &&
    (container.command ?? []).length === 0 &&
    (container.image || command.length === 0)
  )
    throw new ContainerConfigError(
      container.image
        ? `container ${container.name} names image ${container.image} and no command: this node's process runtime runs programs of its own machine and not images; say the command`
        : `container ${container.name} has no command`,
    );
  const mounts = await volumes.mountsOf(container, env).catch((error: unknown) => {
    throw new MountError(error instanceof Error ? error.message : String(error));
  });
  const hosts = deps.hostLines(worker.uid);
  if (!deps.runtime.capabilities().mountNamespace.available) {
    const missing = deps.missingPeers(pod, [...Object.values(declared), ...command]);
    if (missing.length > 0)
      throw new ContainerConfigError(`waiting for the address of ${missing.join(', ')}`);
    for (const [name, value] of Object.entries(env)) env[name] = replaceNames(value, hosts);
    command = command.map((word) => replaceNames(word, hosts));
  }
  const file = terminationMessageFile(deps.volumesFolder, worker.uid, container.name, attempt);
  makeTerminationMessageFile(file);
  const limits = amountsOf(container.resources?.limits);
  const requests = amountsOf(container.resources?.requests);
  const cpu = requests['cpu'] ?? limits['cpu'];
  return {
    pod,
    container,
    kind,
    attempt,
    env,
    command,
    workingDir: container.workingDir || pod.metadata.annotations?.[workingDirectoryAnnotation],
    mounts,
    terminationMessageFile: file,
    hosts,
    hostname: hostnameOf(pod),
    limits: {
      cpuMillis: limits['cpu'],
      memoryBytes: limits['memory'],
      cpuShares: cpu === undefined ? undefined : Math.max(2, Math.floor((cpu * 1024) / 1000)),
    },
    runAs: runAs(container, worker),
  };
}

/** The container's cards. A pod that is to have some and has lost them (with the checkpoint) is not started without. */
function cardsOf({ annotate, devices }: WorkerDeps, worker: PodWorker, container: Container): Gpu[] {
  if (!devices.has(worker.uid) && wantsCards(worker.pod)) {
    try {
      giveCards(worker.pod, devices);
      void annotate(worker.pod, devices.annotation(worker.uid) ?? '');
    } catch (error) {
      throw new ContainerConfigError(`its cards are not free: ${(error as Error).message}`);
    }
  }
  const own = devices.of(worker.uid, container.name);
  const claimed = worker.claims === undefined ? [] : claimedCards(worker.claims, container, devices);
  const others = claimed.filter(({ id }) => own.every((gpu) => gpu.id !== id));
  return [...own, ...others].toSorted((a, b) => a.index - b.index);
}

function runAs(container: Container, { pod }: PodWorker): ContainerSpec['runAs'] {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  const user = own?.runAsUser ?? shared?.runAsUser;
  const group = own?.runAsGroup ?? shared?.runAsGroup;
  const mustNotBeRoot = own?.runAsNonRoot ?? shared?.runAsNonRoot;
  if (mustNotBeRoot === true && (user ?? process.getuid?.()) === 0)
    throw new ContainerConfigError('container has runAsNonRoot and would run as root');
  return user === undefined && group === undefined ? undefined : { user, group };
}
