/** Placement policies by name: profiles of the scheduler core. */
import { wholeCardResource } from '@coracle/machinery';
import {
  defaultProfile,
  gpuPolicies,
  gpuProfile,
  parseConfiguration,
  profilesFrom,
  type Profile,
} from '@coracle/scheduler/core';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

export interface Placement {
  readonly name: string;
  /** A fresh one: profiles may learn from what they place. */
  readonly profile: () => Profile;
}

const packed = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
  { name: wholeCardResource, weight: 1 },
];

const named: Readonly<Record<string, { about: string; profile: () => Profile }>> = {
  default: {
    about: "kube-scheduler's default profile: even use of nodes",
    profile: () => defaultProfile(),
  },
  mostallocated: {
    about: 'the default profile, but full nodes first: cpu, memory and cards alike (MostAllocated)',
    profile: () =>
      defaultProfile({ nodeResourcesFit: { scoringStrategy: { type: 'MostAllocated', resources: packed } } }),
  },
  requestedtocapacityratio: {
    about: 'the same, scored by the part of each resource that is asked for (RequestedToCapacityRatio)',
    profile: () =>
      defaultProfile({
        nodeResourcesFit: {
          scoringStrategy: {
            type: 'RequestedToCapacityRatio',
            resources: packed,
            requestedToCapacityRatio: {
              shape: [
                { utilization: 0, score: 0 },
                { utilization: 100, score: 10 },
              ],
            },
          },
        },
      }),
  },
  ...Object.fromEntries(
    gpuPolicies.map((policy) => [
      policy.toLowerCase(),
      {
        about: {
          FGD: 'least fragmentation of cards (fragmentation gradient descent)',
          GpuPacking: 'cards that are partly used first, then nodes that are',
          GpuClustering: 'pods of one kind together',
          DotProduct: "the pod's request and the node's rest in the same proportion",
          BestFit: 'least left on the node',
          FirstFit: 'the first node with room',
          Random: 'any node with room',
        }[policy],
        profile: () => gpuProfile(policy),
      },
    ]),
  ),
};

/** Names and meanings, for help and completion. */
export const placements: readonly { readonly name: string; readonly about: string }[] = Object.entries(
  named,
).map(([name, { about }]) => ({ name, about }));

/**
 * The placement of a name: one of `placements`, or `FILE.yaml` / `FILE.yaml#SCHEDULER`: a profile of a KubeSchedulerConfiguration
 * (the first, or the one of that schedulerName). Throws ScenarioError if there is none, or the file is no such thing.
 */
export function placementOf(text: string, read: (file: string) => string): Placement {
  const key = text.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (Object.hasOwn(named, key)) return { name: key, profile: named[key]!.profile };
  const [, file, scheduler] = /^(.+\.(?:ya?ml|json))(?:#(.+))?$/.exec(text) ?? [];
  if (file !== undefined) return fromFile(text, file, scheduler, read);
  const names = Object.keys(named);
  throw new ScenarioError(
    `there is no placement "${text}": there are ${names.join(', ')}, and the profiles of a ` +
      `KubeSchedulerConfiguration (scheduler.yaml, scheduler.yaml#NAME)${didYouMean(text, names)}`,
  );
}

function fromFile(
  text: string,
  file: string,
  scheduler: string | undefined,
  read: (file: string) => string,
): Placement {
  let profiles: readonly Profile[];
  const content = read(file);
  const parse = (): readonly Profile[] => profilesFrom(parseConfiguration(content)).profiles;
  try {
    profiles = parse();
  } catch (error) {
    throw new ScenarioError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const index = profiles.findIndex(({ schedulerName }) => schedulerName === (scheduler ?? schedulerName));
  if (index < 0) {
    const names = profiles.map(({ schedulerName }) => schedulerName);
    throw new ScenarioError(
      `${file} has no profile "${scheduler}": it has ${names.join(', ')}${didYouMean(scheduler!, names)}`,
    );
  }
  return { name: text, profile: () => parse()[index]! };
}
