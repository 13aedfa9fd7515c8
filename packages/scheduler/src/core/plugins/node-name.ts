import type { FilterPlugin } from '../plugin.ts';

/** A pod that names its node runs there or nowhere. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  prepareFilter(pod, snapshot) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted) return undefined;
    return {
      ofNode: true,
      filter(rows, count, codes) {
        const row = snapshot.rowOf(wanted);
        for (let i = 0; i < count; i++) codes[i] = rows[i] === row ? 0 : 1;
      },
      reasons: () => ["node(s) didn't match the requested node name"],
      resolvable: () => false,
    };
  },
};
