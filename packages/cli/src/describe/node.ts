import { milliOf, valueOf_ } from '@coracle/machinery';
import type { Lease, Node, Pod } from '@coracle/machinery/api';
import { age, conditions, heading, time } from './common.ts';
import { lines, map, type Part, parts, table } from './text.ts';

/** A node, with the pods on it and what they have asked for. */
export function describeNode(
  node: Node,
  pods: readonly Pod[],
  lease: Lease | undefined,
  now: number,
): Part[] {
  const { spec, status, metadata } = node;
  const roles = Object.keys(metadata.labels ?? {})
    .filter((label) => label.startsWith('node-role.kubernetes.io/'))
    .map((label) => label.slice('node-role.kubernetes.io/'.length));
  const alive = pods.filter(({ status: s }) => s?.phase !== 'Succeeded' && s?.phase !== 'Failed');
  const taints = (spec?.taints ?? []).map((t) => `${t.key}${t.value ? `=${t.value}` : ''}:${t.effect}`);
  return [
    ...heading(node),
    ['Roles', roles.join(',') || '<none>'],
    ['Created', time(metadata.creationTimestamp)],
    ['Taints', lines(taints)],
    ['Unschedulable', String(spec?.unschedulable ?? false)],
    [
      'Lease',
      lease &&
        parts([
          ['Holder', lease.spec?.holderIdentity ?? '<unset>'],
          ['Renewed', `${age(lease.spec?.renewTime, now)} ago`],
        ]),
    ],
    ['Conditions', conditions(status?.conditions, now)],
    ['Addresses', map(Object.fromEntries((status?.addresses ?? []).map((a) => [a.type, a.address])), ': ')],
    ['Capacity', map(status?.capacity, ': ')],
    ['Allocatable', map(status?.allocatable, ': ')],
    [
      'System Info',
      parts(Object.entries(status?.nodeInfo ?? {}).map(([name, value]): Part => [name, String(value)])),
    ],
    ['Pods', podsTable(alive, now)],
    ['Allocated', allocated(node, alive)],
  ];
}

function podsTable(pods: readonly Pod[], now: number): Part[1] {
  const rows = pods
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((pod) => [
      pod.metadata.namespace ?? '',
      pod.metadata.name,
      cpuText(asked(pod, 'requests', 'cpu')),
      memoryText(asked(pod, 'requests', 'memory')),
      String(asked(pod, 'limits', 'nvidia.com/gpu')),
      age(pod.metadata.creationTimestamp, now),
    ]);
  return table(['Namespace', 'Name', 'CPU Requests', 'Memory Requests', 'GPUs', 'Age'], rows);
}

/** Asked for by all pods, of what can be given. */
function allocated(node: Node, pods: readonly Pod[]): Part[1] {
  const allocatable = node.status?.allocatable ?? {};
  const rows = Object.keys(allocatable)
    .filter((name) => name !== 'pods')
    .map((name) => {
      const of = name === 'cpu' ? milliOf(allocatable[name]) : valueOf_(allocatable[name]);
      return [
        name,
        ...(['requests', 'limits'] as const).map((side) => share(name, total(pods, side, name), of)),
      ];
    });
  return table(['Resource', 'Requests', 'Limits'], rows);
}

const total = (pods: readonly Pod[], side: 'requests' | 'limits', name: string): number =>
  pods.reduce((sum, pod) => sum + asked(pod, side, name), 0);

function share(name: string, used: number, of: number): string {
  const text =
    name === 'cpu' ? cpuText(used) : /memory|storage|hugepages/.test(name) ? memoryText(used) : String(used);
  return of > 0 ? `${text} (${Math.floor((used * 100) / of)}%)` : text;
}

/**
 * What a pod counts for: all its containers together, or its largest init container if that is more. CPU in thousandths,
 * everything else in units.
 */
function asked(pod: Pod, side: 'requests' | 'limits', name: string): number {
  const read = name === 'cpu' ? milliOf : valueOf_;
  const { containers = [], initContainers = [], overhead } = pod.spec ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const running = [...containers, ...sidecars].reduce((sum, c) => sum + read(c.resources?.[side]?.[name]), 0);
  const starting = initContainers.map((c) => read(c.resources?.[side]?.[name]));
  return Math.max(running, ...starting) + read(overhead?.[name]);
}

const cpuText = (milli: number): string => `${milli}m`;
const memoryText = (bytes: number): string =>
  bytes >= 1024 ** 2 ? `${Math.round(bytes / 1024 ** 2)}Mi` : String(bytes);
