import { normalizedImageName } from '../images.ts';
import { maxNodeScore, type ScorePlugin } from '../plugin.ts';

const mebi = 1024 * 1024;
/** Sums below the first count as none; above the second (a container) as all. Upstream's figures. */
const minThreshold = 23 * mebi;
const maxContainerThreshold = 1000 * mebi;

/**
 * Prefers nodes that have the pod's images already, by size; an image counts less the fewer nodes have it, so that pods
 * do not pile up on the one node that pulled it first.
 */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  clusterWide: true,
  prepareScore(pod, snapshot) {
    if (snapshot.images.empty) return undefined;
    const { initContainers = [], containers = [] } = pod.pod.spec ?? {};
    const all = [...initContainers, ...containers];
    const images = all
      .map((container) => snapshot.images.get(normalizedImageName(container.image ?? '')))
      .filter((image) => image !== undefined);
    if (images.length === 0) return undefined;
    const maxThreshold = maxContainerThreshold * all.length;
    return {
      score(rows, count, scores) {
        for (let i = 0; i < count; i++) {
          let sum = 0;
          for (const image of images) {
            const size = image.sizes.get(rows[i]!);
            if (size !== undefined) sum += Math.trunc(size * (image.sizes.size / snapshot.nodeCount));
          }
          const bounded = Math.min(Math.max(sum, minThreshold), maxThreshold);
          scores[i] = Math.floor((maxNodeScore * (bounded - minThreshold)) / (maxThreshold - minThreshold));
        }
      },
    };
  },
};
