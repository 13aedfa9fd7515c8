import {
  findPreemption,
  fitErrorMessage,
  noReservations,
  scheduleOne,
  type Diagnosis,
  type PlacedPod,
  type PodInfo,
  type Unit,
} from '../core/index.ts';
import { victimGroup } from './decide-gang.ts';
import type { Shared } from './shared.ts';

/** Decides for a unit of one pod: binds it, makes room for it, or says why it must wait. */
export function decidePod(shared: Shared, unit: Unit, pod: PodInfo, now: number): void {
  const { queue, status, deps } = shared;
  const decision = scheduleOne(shared.frameworkOf(pod), pod);
  if (decision.fits) {
    queue.drop(unit.key);
    shared.bind(pod, decision.nodeName, decision.reservations ?? noReservations);
    return;
  }
  const repairs = shared.repair(unit.key, pod);
  const { postFilter, nominatedNodeName, again } = makeRoom(shared, unit, pod, decision.diagnosis);
  const message = fitErrorMessage(
    decision.diagnosis,
    [...repairs, postFilter].filter((text) => text !== '').join(', '),
  );
  queue.failed(unit, now, decision.diagnosis.plugins, again || decision.diagnosis.unfinished === true);
  deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
  status.pod(pod.pod, { reason: 'Unschedulable', message, nominatedNodeName });
}

interface Room {
  /** What preemption has to say; '' if it makes room. */
  readonly postFilter: string;
  /** As in PodVerdict. */
  readonly nominatedNodeName: string | undefined;
  /** Nothing needs to leave: look again soon. */
  readonly again: boolean;
}

function makeRoom(shared: Shared, unit: Unit, pod: PodInfo, diagnosis: Diagnosis): Room {
  const { nominations, deps } = shared;
  if (shared.evicting(unit.key)) {
    const postFilter = 'preemption: not eligible due to a terminating pod on the nominated node.';
    return { postFilter, nominatedNodeName: undefined, again: false };
  }
  const options = {
    budgets: shared.budgets(),
    random: deps.random,
    group: (victim: PlacedPod) => victimGroup(shared, victim),
  };
  const preemption = findPreemption(shared.frameworkOf(pod), pod, diagnosis, options);
  if ('victims' in preemption) {
    const { nodeName, pods } = preemption.victims;
    nominations.set(pod, nodeName);
    shared.evict(unit.key, pod, nodeName, pods);
    return { postFilter: '', nominatedNodeName: nodeName, again: pods.length === 0 };
  }
  const postFilter = preemption.message;
  if (postFilter.includes('terminating') || nominations.nodeOf(pod.uid) === undefined) {
    return { postFilter, nominatedNodeName: undefined, again: false };
  }
  // Nothing more will leave for it: the node it was promised is open to all again.
  nominations.delete(pod.uid);
  return { postFilter, nominatedNodeName: '', again: false };
}
