/** The other process of lateness.ts: asks for one path again and again, and tells in milliseconds, in order, how long answers took. */
import { createClient, type Kubeconfig, transportFromKubeconfig } from '@coracle/client';
import { setTimeout as sleep } from 'node:timers/promises';

const everyMs = 50;
let took: number[] = [];
process.on('disconnect', () => process.exit());
process.on('message', (message: 'tell' | { kubeconfig: Kubeconfig; path: string }) => {
  if (message === 'tell') {
    process.send?.(took.toSorted((a, b) => a - b));
    took = [];
  } else void ask(message.kubeconfig, message.path);
});

async function ask({ clusters, users }: Kubeconfig, path: string): Promise<void> {
  const [{ cluster }, { user }] = [clusters[0]!, users[0]!];
  const client = createClient(await transportFromKubeconfig({ cluster, user, env: {} }));
  for (let first = true; ; first = false) {
    const began = performance.now();
    await client.getPath(path);
    const now = performance.now();
    if (first) process.send?.('ready');
    else took.push(now - began);
    await sleep(Math.max(1, everyMs - (now - began)));
  }
}
