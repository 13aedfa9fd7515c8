/** How fast jobs run where they are: `RunSpec.speeds`. */
import { modelAnnotation } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import type { RunState } from './run-state.ts';
import { speedOf, type SimJob } from './sim-job.ts';

/** Labels that say what cards a node has. */
const modelLabels = [modelAnnotation, 'nvidia.com/gpu.product', 'amd.com/gpu.product-name'];

/** What cards a node has, as its labels say it; none: they say nothing. */
export function modelsOf({ metadata: { labels = {} } }: Pick<Node, 'metadata'>): string[] {
  return modelLabels.flatMap((label) => labels[label] || []);
}

/** Whether the label's text is of the model: the whole text, or a word of it. */
export function namesModel(text: string, model: string): boolean {
  const [value, wanted] = [text.toLowerCase(), model.toLowerCase()];
  return value === wanted || value.split(/[-_ ]/).includes(wanted);
}

/** Whether the node's cards are of the model: by the whole label, or by a word of it (A100 of NVIDIA-A100-SXM4-80GB). */
export function isOfModel(node: Pick<Node, 'metadata'>, model: string): boolean {
  return modelsOf(node).some((text) => namesModel(text, model));
}

/** Of a node by its model; the longest name that fits counts (A100-SXM4-40GB before A100). Of no known model: 1. */
export function speedOfNode(node: Node, speeds: Readonly<Record<string, number>> = {}): number {
  let best: string | undefined;
  for (const model in speeds) {
    if (isOfModel(node, model) && model.length > (best?.length ?? -1)) best = model;
  }
  return best === undefined ? 1 : speeds[best]!;
}

/** Work it does in a millisecond with the pods it has, where they are. */
export function speedNow(state: RunState, job: SimJob): number {
  const speed = speedOf(job.job, job.pods.length);
  return state.spec.speeds ? speed * nodesSpeed(state, job) : speed;
}

/** Of the slowest of its nodes: all pods of a job wait for each other. */
export function nodesSpeed({ spec, nodes, snapshot }: RunState, job: SimJob): number {
  if (!spec.speeds) return 1;
  let slowest = Infinity;
  for (const { uid, gpuMilli } of job.pods) {
    if (gpuMilli > 0)
      slowest = Math.min(slowest, nodes.list[nodes.numberOnRow(snapshot.pod(uid)!.row)]!.speed);
  }
  return slowest === Infinity ? 1 : slowest;
}
