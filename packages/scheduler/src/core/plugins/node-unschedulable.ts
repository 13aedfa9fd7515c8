import { podTolerates } from './toleration-check.ts';
import type { FilterPlugin } from '../plugin.ts';
import { unschedulableTaint } from '../taints.ts';

/** Cordoned nodes take no pods, except those that tolerate the taint a cordon stands for. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepareFilter(pod, snapshot) {
    if (podTolerates(pod, { key: unschedulableTaint, effect: 'NoSchedule' })) return undefined;
    return {
      ofNode: true,
      idle: () => snapshot.cordoned === 0,
      filter(rows, count, codes) {
        const column = snapshot.unschedulable;
        for (let i = 0; i < count; i++) codes[i] = column[rows[i]!]!;
      },
      reasons: () => ['node(s) were unschedulable'],
      resolvable: () => false,
    };
  },
};
