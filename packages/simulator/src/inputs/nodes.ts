/** Nodes of traces that know no more of them than how much they have. */
import { modelAnnotation, wholeCardResource } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';

export interface NodeSize {
  /** Thousandths of a core. */
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpus?: number;
  /** '' or absent: the input does not say. */
  readonly model?: string;
  /** How many pods fit on it whatever they ask for. Default 1001: no bound that matters. */
  readonly pods?: number;
}

/** A node that offers whole cards, as docs/gpus.md says. */
export function makeNode(name: string, size: NodeSize): Node {
  const { cpuMilli, memoryMib, gpus = 0, model = '', pods = 1001 } = size;
  const allocatable: Record<string, string> = {
    cpu: `${cpuMilli}m`,
    memory: `${memoryMib}Mi`,
    pods: String(pods),
  };
  if (gpus > 0) allocatable[wholeCardResource] = String(gpus);
  const labels: Record<string, string> = { 'kubernetes.io/hostname': name };
  if (model !== '') labels[modelAnnotation] = model;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { allocatable },
  } as unknown as Node;
}

/** `count` equal nodes: `PREFIX-0000` and so on. */
export function equalNodes(prefix: string, count: number, size: NodeSize): Node[] {
  const digits = Math.max(4, String(count - 1).length);
  return Array.from({ length: count }, (_, i) =>
    makeNode(`${prefix}-${String(i).padStart(digits, '0')}`, size),
  );
}
