/** What a virtual node says when it is asked as a kubelet: a line of log, and that there is nothing to run commands in. */
import { ApiError, type KubeletApi } from '@coracle/machinery';

/** `logLine`: what there is to say of a pod, by its uid; undefined: it is not known. */
export function virtualKubelet(
  nodeName: string,
  logLine: (podUid: string) => string | undefined,
): KubeletApi {
  const refuse = (what: string): never => {
    throw new ApiError('BadRequest', `node ${nodeName} is virtual: its pods have no ${what}`);
  };
  return {
    async *logs(ref) {
      const said = logLine(ref.podUid);
      if (said === undefined)
        throw new ApiError('NotFound', `pod "${ref.pod}" not found on node ${nodeName}`);
      yield Buffer.from(`virtual pod ${ref.namespace}/${ref.pod}, ${said}\n`);
    },
    exec: async () => refuse('processes to run commands beside'),
    attach: async () => refuse('processes to attach to'),
    portForward: async () => refuse('ports'),
    stats: async () => ({ node: { nodeName }, pods: [] }),
  };
}
