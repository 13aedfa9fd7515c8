/** The Node object of an agent: capacity, conditions and identity, as a kubelet registers them. */
import { statfsSync } from 'node:fs';
import { arch, cpus, hostname, platform, release, totalmem, type } from 'node:os';
import { formatTime } from '@coracle/machinery';
import type { Node, NodeCondition, NodeStatus, NodeSystemInfo, Taint } from '@coracle/machinery/api';
import { bootId } from '../process/host-process.ts';

export interface NodeDescription {
  name: string;
  address: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  taints: Taint[];
  capacity: Record<string, string>;
  /** Capacity less what is kept for the machine itself. */
  allocatable: Record<string, string>;
  info: NodeSystemInfo;
}

const goArch: Record<string, string> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };
const goOs: Record<string, string> = { win32: 'windows' };

const osName = (): string => goOs[platform()] ?? platform();
const archName = (): string => goArch[arch()] ?? arch();

/** What this machine has: cores, memory, disk below `folder`, and room for 110 pods (the kubelet's default). */
export function hostCapacity(folder: string): Record<string, string> {
  const capacity: Record<string, string> = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: '110',
  };
  try {
    const { blocks, bsize } = statfsSync(folder);
    capacity['ephemeral-storage'] = `${Math.floor((blocks * bsize) / 1024)}Ki`;
  } catch {
    // A file system that does not say.
  }
  return capacity;
}

export function hostInfo(runtime: string, version = 'v1.36.0+coracle'): NodeSystemInfo {
  return {
    architecture: archName(),
    bootID: bootId(),
    containerRuntimeVersion: `${runtime}://${process.versions.node}`,
    kernelVersion: release(),
    kubeProxyVersion: '',
    kubeletVersion: version,
    machineID: hostname(),
    operatingSystem: osName(),
    osImage: `${type()} ${release()}`,
    systemUUID: hostname(),
  };
}

export function standardLabels(name: string): Record<string, string> {
  return {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': osName(),
    'kubernetes.io/arch': archName(),
    'beta.kubernetes.io/os': osName(),
    'beta.kubernetes.io/arch': archName(),
  };
}

const healthy: [type: string, status: 'True' | 'False', reason: string, message: string][] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
];

/** Status of a node that is well. Transition times of conditions that are as before are kept, foreign conditions too. */
export function nodeStatus(
  description: NodeDescription,
  before: NodeStatus | undefined,
  now: number,
): NodeStatus {
  const time = formatTime(now);
  const ours = healthy.map(([type, status, reason, message]): NodeCondition => {
    const old = before?.conditions?.find((each) => each.type === type);
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: time,
      lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? time) : time,
    };
  });
  const foreign = (before?.conditions ?? []).filter((each) => !healthy.some(([type]) => type === each.type));
  return {
    ...before,
    addresses: [
      { type: 'InternalIP', address: description.address },
      { type: 'Hostname', address: description.name },
    ],
    capacity: description.capacity,
    allocatable: description.allocatable,
    conditions: [...ours, ...foreign],
    nodeInfo: description.info,
    daemonEndpoints: before?.daemonEndpoints ?? { kubeletEndpoint: { Port: 0 } },
  };
}

/** The object to create. */
export function newNode(
  description: NodeDescription,
  now: number,
): Pick<Node, 'metadata' | 'spec' | 'status'> {
  return {
    metadata: {
      name: description.name,
      labels: description.labels,
      ...(description.annotations ? { annotations: description.annotations } : {}),
    } as Node['metadata'],
    spec: description.taints.length > 0 ? { taints: description.taints } : {},
    status: nodeStatus(description, undefined, now),
  };
}
