/**
 * Why a gang waits: how many of its members could be placed together now, and what stands in the way of the next one while
 * those are in their places. Pure: the members are placed in a trial, and taken back.
 */
import { fitErrorMessage } from '../diagnosis.ts';
import type { Framework } from '../framework.ts';
import { dominantMember, placeGang, type Gang, type GangDecision } from '../gang.ts';
import { releaseAll } from '../reservation.ts';
import { Trial } from '../trial.ts';
import { explainPod, type ExplainPodOptions } from './explain-pod.ts';
import type { Explanation, GangReport, PreemptionReport, Remedy } from './types.ts';

export interface ExplainGangOptions extends ExplainPodOptions {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  /** Members that exist. */
  readonly members: number;
  /** The group is there, and not only pods that name it. */
  readonly exists: boolean;
  /** What preemption found for it; undefined: it was not tried. */
  readonly preemption?: PreemptionReport | undefined;
}

/** Explains a gang that has too few members placed. */
export function explainGang(framework: Framework, gang: Gang, options: ExplainGangOptions): Explanation {
  const { snapshot } = framework;
  const { kind, namespace, name, members, exists } = options;
  const subject = { kind, namespace, name };
  const total = snapshot.nodeCount;
  const report = {
    group: name,
    kind,
    minCount: gang.minCount,
    members,
    scheduled: gang.scheduled,
    waiting: gang.pods.length,
    placeable: 0,
    domain: '',
  };
  const nothing = { rejections: [], nearest: [], notes: [], nodes: { total, feasible: 0 }, subject } as const;
  if (!exists) {
    const message = `waiting for pod's pod group "${name}" to appear in scheduling queue`;
    return {
      ...nothing,
      state: 'Gated',
      summary: `there is no ${kind} ${name}, which its ${members} pods name`,
      message,
      gang: { ...report, minCount: 0 },
      remedies: [{ action: 'CreateMissing', text: `create the ${kind} ${name} in namespace ${namespace}` }],
    };
  }
  const lacking = gang.minCount - gang.scheduled - gang.pods.length;
  if (lacking > 0) {
    return {
      ...nothing,
      state: 'Gated',
      summary: `${lacking} of the ${gang.minCount} members it needs are not there yet`,
      message: 'waiting for minCount pods from a gang to appear in scheduling queue',
      gang: report,
      remedies: [
        {
          action: 'CreateMissing',
          text: `create ${lacking} more pods of the group (its controller may be held up: a quota, a suspended job), or lower minCount to ${gang.scheduled + gang.pods.length}`,
        },
      ],
    };
  }
  if (gang.pods.length === 0) {
    return {
      ...nothing,
      state: 'Scheduled',
      summary: `all ${gang.scheduled} members have nodes`,
      gang: report,
      remedies: [],
    };
  }
  const decision = placeGang(framework, gang);
  const placeable = decision.placed.length;
  if (decision.fits) {
    for (const { pod, reservations } of decision.placed.toReversed()) {
      releaseAll(reservations);
      snapshot.removePod(pod.uid);
    }
  }
  const gangReport: GangReport = {
    ...report,
    placeable,
    domain: decision.domain,
    ...(decision.domains ? { domains: decision.domains } : {}),
  };
  if (decision.fits) {
    return {
      ...nothing,
      state: 'Feasible',
      summary: `${placeable} of ${gang.pods.length} waiting members fit together now; it needs ${Math.max(0, gang.minCount - gang.scheduled)}`,
      gang: gangReport,
      remedies: [],
    };
  }
  return waiting(framework, gang, decision, gangReport, options);
}

function waiting(
  framework: Framework,
  gang: Gang,
  decision: GangDecision,
  report: GangReport,
  options: ExplainGangOptions,
): Explanation {
  const { snapshot } = framework;
  const { kind, namespace, name, preemption } = options;
  const subject = { kind, namespace, name };
  const needed = gang.minCount - gang.scheduled;
  const member = dominantMember(decision);
  const counted = `${report.placeable} of the ${needed} members it still needs`;
  const why = member
    ? ` ${fitErrorMessage(member.diagnosis)}`
    : decision.rejection
      ? ` ${decision.rejection}`
      : '';
  const message =
    `pod group is unschedulable: minCount (${gang.minCount}) cannot be satisfied: ` +
    `${gang.scheduled} scheduled, ${report.placeable} of ${gang.pods.length} waiting pods can be placed.${why}`;
  if (!member) {
    return {
      subject,
      state: 'Waiting',
      summary: decision.rejection ?? `${counted} fit together now`,
      message,
      nodes: { total: snapshot.nodeCount, feasible: 0 },
      rejections: [],
      nearest: [],
      remedies: [{ action: 'FreeResources', text: 'free what its minResources asks for' }],
      gang: report,
      notes: [],
    };
  }
  // The next member, with those that fit in their places.
  const trial = new Trial(snapshot, framework);
  let next: Explanation;
  try {
    for (const { pod, nodeName } of decision.placed) trial.imagine(pod, nodeName);
    next = explainPod(framework, member.pod, { ...options, withoutPreemption: true });
  } finally {
    trial.rollback();
  }
  const domains = decision.domains;
  const where = domains
    ? ` in one ${domains.keys.join('/')} (${domains.count} of them; ${decision.domain || 'the best'} holds ${domains.most})`
    : '';
  const remedies: Remedy[] = next.remedies.map((remedy) => ({
    ...remedy,
    text: `for the next member: ${remedy.text}`,
  }));
  if (domains && next.state === 'Feasible') {
    remedies.push({
      action: 'RelaxAffinity',
      text: `there is room elsewhere: free room for ${needed - report.placeable} more members in ${decision.domain || 'one domain'}, or prefer the topology instead of requiring it`,
    });
  }
  if (preemption?.victims)
    remedies.unshift({ action: 'Wait', text: 'nothing to do: room is being made for it' });
  if (report.placeable + gang.scheduled > 0) {
    remedies.push({
      action: 'LowerRequest',
      text: `${report.placeable + gang.scheduled} members would run now: lower minCount to that, if fewer are of use`,
    });
  }
  return {
    ...next,
    subject,
    state: 'Waiting',
    summary:
      next.state === 'Feasible'
        ? `only ${counted} fit together${where}`
        : `only ${counted} fit together${where}; for the next: ${next.summary}`,
    message,
    remedies,
    gang: report,
    ...(preemption ? { preemption } : {}),
    notes: [`nodes below are as they would be with ${report.placeable} members placed`],
  };
}
