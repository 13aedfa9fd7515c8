/** Chance of virtual nodes and pods: any, or one that comes out the same again. */
import { type KubeObject, seededRandom } from '@coracle/machinery';

/** Numbers in [0, 1) for an object at a step of its life, the same ones for the same step where there is a seed. */
export type ChanceOf = (object: KubeObject, step: number) => () => number;

/** By seed, name and step rather than one after the other: what befalls one pod does not depend on when others have their turn. */
export function chanceOf(seed: number | undefined, random: () => number): ChanceOf {
  if (seed === undefined) return () => random;
  return ({ kind = '', metadata: { namespace = '', name } }, step) =>
    seededRandom(`${seed} ${kind} ${namespace}/${name} ${step}`);
}
