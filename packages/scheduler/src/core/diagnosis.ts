/** Why a pod fits nowhere, in kube-scheduler's words. */
import type { HelpfulRows } from './helpful-rows.ts';

/** What stood in the way on each node, counted. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** Message -> nodes it holds for. One node may have several (cpu and memory). */
  readonly reasons: ReadonlyMap<string, number>;
  /** Said instead of the reasons if the pod is rejected before any node is looked at. */
  readonly rejection?: string | undefined;
  /** Plugins that rejected a node or the pod. */
  readonly plugins: ReadonlySet<string>;
  /** Rows on which evicting pods could help. */
  readonly resolvable: readonly number[];
  /** The same, where it is known without a list of the rows. */
  readonly helpful?: HelpfulRows | undefined;
  /** Some nodes were not looked at to the end: the pod should be tried again soon. */
  readonly unfinished?: boolean;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: ...` */
export function fitErrorMessage(diagnosis: Diagnosis, postFilter = ''): string {
  if (diagnosis.nodeCount === 0) return 'no nodes available to schedule pods';
  let message = `0/${diagnosis.nodeCount} nodes are available:`;
  if (diagnosis.rejection) message += ` ${diagnosis.rejection}.`;
  else if (diagnosis.reasons.size > 0) message += ` ${histogram(diagnosis.reasons)}.`;
  return postFilter ? `${message} ${postFilter}` : message;
}

/** `1 Insufficient cpu, 2 Too many pods`, sorted as text as upstream does. */
export function histogram(reasons: ReadonlyMap<string, number>): string {
  return [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted()
    .join(', ');
}

/** The reason that holds for most nodes; the first by name among equals. */
export function dominantReason(diagnosis: Diagnosis): string | undefined {
  if (diagnosis.rejection) return diagnosis.rejection;
  let best: string | undefined;
  let most = 0;
  for (const [reason, count] of diagnosis.reasons) {
    if (count > most || (count === most && best !== undefined && reason < best)) {
      best = reason;
      most = count;
    }
  }
  return best;
}
