/** Taints and tolerations: which are there, which are put up with (core/v1 helpers' semantics). */
import type { Taint, Toleration } from '@coracle/machinery/api';

/** Taint on nodes that `spec.unschedulable` stands for. */
export const unschedulableTaint = 'node.kubernetes.io/unschedulable';

/** True if the toleration tolerates the taint. An empty key with Exists tolerates all; an empty effect all effects. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator) {
    case undefined:
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '') && !!toleration.key;
    case 'Exists':
      return true;
    case 'Lt':
      return compares(taint.value, toleration.value, (a, b) => a < b);
    case 'Gt':
      return compares(taint.value, toleration.value, (a, b) => a > b);
    default:
      return false;
  }
}

/** The first taint of one of these effects that nothing tolerates. */
export function firstUntolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((t) => tolerates(t, taint)),
  );
}

function compares(
  taint: string | undefined,
  toleration: string | undefined,
  test: (taint: number, toleration: number) => boolean,
): boolean {
  const integer = /^-?(0|[1-9]\d*)$/;
  if (!integer.test(taint ?? '') || !integer.test(toleration ?? '')) return false;
  return test(Number(taint), Number(toleration));
}
