/** The pod table: READY, STATUS and RESTARTS as people know them from kubectl. */
import type { ContainerStatus, Pod, PodTemplate } from '@coracle/machinery/api';
import type { TablePrinter } from '../contracts.ts';
import { age, containerCells, labelsText, none, orNone, printer, since } from './columns.ts';

interface Count {
  restarts: number;
  last: string;
}
function restarted(count: Count, status: ContainerStatus): void {
  count.restarts += status.restartCount;
  const finished = status.lastState?.terminated?.finishedAt ?? '';
  if (finished > count.last) count.last = finished;
}

const condition = (pod: Pod, type: string): boolean =>
  (pod.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');

function exitText(terminated: { signal?: number | undefined; exitCode: number }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** The STATUS column with ready count and restarts. */
function podSummary(pod: Pod): { ready: number; total: number; reason: string; restarts: Count } {
  const spec = pod.spec;
  const status = pod.status;
  const inits = spec?.initContainers ?? [];
  const sidecars = new Set(inits.filter((one) => one.restartPolicy === 'Always').map((one) => one.name));
  const total = (spec?.containers ?? []).length + sidecars.size;
  let ready = 0;
  let reason = status?.reason || status?.phase || 'Unknown';
  if (
    (status?.conditions ?? []).some((one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated')
  )
    reason = 'SchedulingGated';

  let restarts: Count = { restarts: 0, last: '' };
  const sidecarRestarts: Count = { restarts: 0, last: '' };
  let initializing = false;
  for (const [index, container] of (status?.initContainerStatuses ?? []).entries()) {
    restarted(restarts, container);
    const sidecar = sidecars.has(container.name);
    if (sidecar) restarted(sidecarRestarts, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated && terminated.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) ready++;
      continue;
    }
    if (terminated) reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`;
    else reason = `Init:${index}/${inits.length}`;
    initializing = true;
    break;
  }

  if (!initializing || condition(pod, 'Initialized')) {
    restarts = sidecarRestarts;
    let running = false;
    for (const container of (status?.containerStatuses ?? []).toReversed()) {
      restarted(restarts, container);
      const { terminated, waiting, running: isRunning } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) reason = terminated.reason || exitText(terminated);
      else if (container.ready && isRunning) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed' && running) reason = condition(pod, 'Ready') ? 'Running' : 'NotReady';
  }

  if (pod.metadata.deletionTimestamp) {
    if (status?.reason === 'NodeLost') reason = 'Unknown';
    else if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') reason = 'Terminating';
  }
  return { ready, total, reason, restarts };
}

export const pods: TablePrinter = printer<Pod>(
  ['Ready', 'Status', 'Restarts', 'Age', 'IP+', 'Node+', 'Nominated Node+', 'Readiness Gates+'],
  (pod, now) => {
    const { ready, total, reason, restarts } = podSummary(pod);
    const gates = pod.spec?.readinessGates ?? [];
    const passed = gates.filter((gate) => condition(pod, gate.conditionType)).length;
    return [
      `${ready}/${total}`,
      reason,
      restarts.restarts > 0 && restarts.last
        ? `${restarts.restarts} (${since(restarts.last, now)} ago)`
        : String(restarts.restarts),
      age(pod, now),
      orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
      orNone(pod.spec?.nodeName),
      orNone(pod.status?.nominatedNodeName),
      gates.length > 0 ? `${passed}/${gates.length}` : none,
    ];
  },
);

export const podTemplates: TablePrinter = printer<PodTemplate>(
  ['Containers', 'Images', 'Pod Labels'],
  (object) => [...containerCells(object.template?.spec), labelsText(object.template?.metadata?.labels)],
);
