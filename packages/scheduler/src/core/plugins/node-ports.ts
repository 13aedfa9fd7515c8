import type { FilterPlugin } from '../plugin.ts';

/** Two pods cannot hold the same host port on one node. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepareFilter(pod, snapshot) {
    const wanted = pod.ports;
    if (wanted.length === 0) return undefined;
    return {
      filter(rows, count, codes) {
        for (let i = 0; i < count; i++) {
          const used = snapshot.ports(rows[i]!);
          codes[i] = used && used.size > 0 && wanted.some((port) => used.conflicts(port)) ? 1 : 0;
        }
      },
      reasons: () => ["node(s) didn't have free ports for the requested pod ports"],
      resolvable: () => true,
    };
  },
};
