/** Where the API server finds the agent of a node: agents in this process register here. */
import type { KubeletApi, NodeGateway } from '@coracle/machinery';

export interface Gateway extends NodeGateway {
  add(nodeName: string, kubelet: KubeletApi): void;
  remove(nodeName: string): void;
}

export function createGateway(): Gateway {
  const agents = new Map<string, KubeletApi>();
  return {
    connect: (nodeName) => agents.get(nodeName),
    add: (nodeName, kubelet) => void agents.set(nodeName, kubelet),
    remove: (nodeName) => void agents.delete(nodeName),
  };
}
