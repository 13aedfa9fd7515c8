/**
 * Preemption for a gang: its members are placed one after the other in a trial; one that fits nowhere evicts, on the one
 * node where that costs least, pods of lower priority. Only if enough members find a place that way is anyone evicted at
 * all: a gang never evicts pods for a placement it cannot complete. Victims that can only be disrupted as a group
 * (`disruptionMode: PodGroup`) go with their whole group.
 */
import type { Framework } from './framework.ts';
import type { Gang, GangMember } from './gang.ts';
import { findPreemption, type PreemptionOptions } from './preemption.ts';
import type { PlacedPod } from './snapshot.ts';
import { Trial } from './trial.ts';

export interface GangPreemptionOptions extends PreemptionOptions {
  /** The pods that must go if this one does, itself among them. */
  group(victim: PlacedPod): readonly PlacedPod[];
}

export interface GangVictims {
  /** Where the members will run once the victims are gone. */
  readonly placed: readonly Pick<GangMember, 'pod' | 'nodeName'>[];
  readonly victims: readonly PlacedPod[];
}

/** Undefined: no eviction makes room for the gang. The snapshot is as it was in any case. */
export function findGangPreemption(
  framework: Framework,
  gang: Gang,
  options: GangPreemptionOptions,
): GangVictims | undefined {
  const { snapshot } = framework;
  // Which domain to clear would be a search of its own.
  if (gang.topology) return undefined;
  if (!gang.pods.some((pod) => snapshot.hasPodsBelow(pod.priority))) return undefined;
  const needed = gang.minCount - gang.scheduled;
  const trial = new Trial(snapshot, framework);
  const placed: Pick<GangMember, 'pod' | 'nodeName'>[] = [];
  const victims: PlacedPod[] = [];
  for (const pod of gang.pods) {
    const decision = framework.schedule(pod);
    let nodeName = decision.fits ? decision.nodeName : undefined;
    // Members beyond what the gang needs are not worth an eviction.
    if (!decision.fits && placed.length < needed) {
      const preemption = findPreemption(framework, pod, decision.diagnosis, options);
      if ('victims' in preemption) {
        nodeName = preemption.victims.nodeName;
        for (const victim of preemption.victims.pods) {
          for (const one of options.group(victim)) {
            if (one.info.priority >= pod.priority || !snapshot.pod(one.info.uid)) continue;
            victims.push({ info: one.info, nodeName: one.nodeName, row: one.row });
            trial.remove(one);
          }
        }
      }
    }
    if (nodeName === undefined) continue;
    trial.imagine(pod, nodeName);
    placed.push({ pod, nodeName });
  }
  trial.rollback();
  return placed.length >= needed && victims.length > 0 ? { placed, victims } : undefined;
}

/** True while pods that make room for members of the gang are still on their way out. */
export function victimsLeaving(framework: Framework, gang: Gang): boolean {
  return gang.pods.some((pod) => {
    const nodeName = framework.nominations.nodeOf(pod.uid);
    const row = nodeName === undefined ? undefined : framework.snapshot.rowOf(nodeName);
    if (row === undefined) return false;
    const leaving = framework.snapshot.podsOn(row);
    return leaving.some(
      ({ info }) => info.priority < pod.priority && info.pod.metadata.deletionTimestamp !== undefined,
    );
  });
}
