import type { resource_v1 } from '@coracle/machinery/api';

/** True if one of the tolerations covers the taint of a device. */
export function tolerated(
  taint: resource_v1.DeviceTaint,
  tolerations: readonly resource_v1.DeviceToleration[],
): boolean {
  return tolerations.some(({ key, operator, value, effect }) => {
    if (effect && effect !== taint.effect) return false;
    if (key && key !== taint.key) return false;
    return operator === 'Exists' || (value ?? '') === (taint.value ?? '');
  });
}
