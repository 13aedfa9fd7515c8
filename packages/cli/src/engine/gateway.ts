/** Where the API server finds the agent of a node: agents in this process register here. */
import type { KubeletApi, NodeGateway } from '@coracle/machinery';

export interface Gateway extends NodeGateway {
  add(nodeName: string, kubelet: KubeletApi): void;
  /** Nodes that somebody else keeps. */
  addMany(nodes: NodeGateway): void;
}

export function createGateway(): Gateway {
  const agents = new Map<string, KubeletApi>();
  const others: NodeGateway[] = [];
  return {
    connect(nodeName) {
      const own = agents.get(nodeName);
      if (own) return own;
      for (const other of others) {
        const found = other.connect(nodeName);
        if (found) return found;
      }
      return undefined;
    },
    add: (nodeName, kubelet) => void agents.set(nodeName, kubelet),
    addMany: (nodes) => void others.push(nodes),
  };
}
