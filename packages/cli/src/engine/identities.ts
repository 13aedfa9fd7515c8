/** Who each part of the engine is to the API server. None of them is an administrator except where it says so. */
import type { Credentials } from '@coracle/machinery';

const trusted = (username: string, ...groups: string[]): Credentials => ({
  kind: 'trusted',
  user: { username, groups: [...groups, 'system:authenticated'] },
});

export const identities = {
  /** Writes the objects the engine starts with; used for nothing else. */
  bootstrap: trusted('system:apiserver', 'system:masters'),
  /** Reads for the caches that the controllers share. */
  controllerManager: trusted('system:kube-controller-manager'),
  scheduler: trusted('system:kube-scheduler'),
  /** Each controller writes as its own service account, with upstream's rights. */
  controller: (name: string): Credentials =>
    trusted(
      `system:serviceaccount:kube-system:${name}`,
      'system:serviceaccounts',
      'system:serviceaccounts:kube-system',
    ),
  /** The node authorizer and NodeRestriction keep it to its own node. */
  node: (name: string): Credentials => trusted(`system:node:${name}`, 'system:nodes'),
  /** One component plays all virtual nodes, so it is more than one node may be. */
  virtualNodes: trusted('system:coracle:virtual-nodes', 'system:masters'),
};
