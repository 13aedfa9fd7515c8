import { load } from 'js-yaml';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { engineKubeconfig, publishKubeconfig } from '../src/engine/kubeconfig.ts';

let home: string;
const servers: Server[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coracle-kubeconfig-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(home, { recursive: true, force: true });
});

/** Something that listens, as an engine that runs does. */
async function listener(): Promise<string> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const publish = (server: string) =>
  publishKubeconfig(
    { server, kubeconfig: engineKubeconfig(server, 'CA', { certificate: 'C', privateKey: 'K' }) },
    { HOME: home },
  );

describe('an engine in the user’s kubeconfig', () => {
  test('is called coracle; a second one beside it coracle-2, and both stay', async () => {
    const [first, second] = [await listener(), await listener()];
    expect(await publish(first)).toEqual({ file: join(home, '.kube', 'config'), context: 'coracle' });
    expect((await publish(second)).context).toBe('coracle-2');
    expect((await publish(first)).context).toBe('coracle');
    const config = load(await readFile(join(home, '.kube', 'config'), 'utf8'));
    expect(config).toMatchObject({
      clusters: [
        { name: 'coracle', cluster: { server: first } },
        { name: 'coracle-2', cluster: { server: second } },
      ],
      contexts: [
        { name: 'coracle', context: { cluster: 'coracle', user: 'coracle' } },
        { name: 'coracle-2', context: { cluster: 'coracle-2', user: 'coracle-2' } },
      ],
      'current-context': 'coracle',
    });
  });

  test('takes over the name of one that is gone', async () => {
    const first = await listener();
    await publish(first);
    const [server] = servers.splice(0);
    server?.close();
    if (server) await once(server, 'close');
    expect((await publish(await listener())).context).toBe('coracle');
  });
});
