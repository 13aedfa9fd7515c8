import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient, httpsTransport, inProcessTransport } from '@coracle/client';
import { isReason, type KubeletApi } from '@coracle/machinery';
import { ConfigMap, Pod } from '@coracle/machinery/api';
import { createPki } from '../src/index.ts';
import { testServer, type TestServer } from '../src/testing.ts';

const agent: Partial<KubeletApi> = {
  async *logs() {
    yield await Promise.resolve(Buffer.from('a line\n'));
  },
  async exec(_ref, _options, session) {
    await session.stdout?.(Buffer.from('out'));
    await session.finish({ exitCode: 4 });
  },
};

let t: TestServer;
const clients: Record<string, Client> = {};
beforeAll(async () => {
  const pki = createPki();
  t = await testServer({ nodes: { connect: () => agent as KubeletApi } });
  const { port } = await t.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  clients['in-process'] = createClient(inProcessTransport(t.handler, t.admin));
  clients['HTTPS'] = createClient(
    httpsTransport({
      server: `https://127.0.0.1:${port}`,
      ca: pki.authority.certificate,
      cert: pki.admin.certificate,
      key: pki.admin.privateKey,
    }),
  );
});
afterAll(async () => {
  for (const client of Object.values(clients)) await client.transport.close();
  await t.close();
});

describe.each(['in-process', 'HTTPS'])('the project’s client, %s', (name) => {
  const namespace = 'default';
  const id = name.toLowerCase();
  const client = (): Client => clients[name] as Client;
  test('creates, reads, patches, lists, watches and deletes', async () => {
    const made = await client().create(
      ConfigMap,
      { metadata: { name: id }, data: { a: '1' } },
      { namespace },
    );
    expect(made.data).toEqual({ a: '1' });
    const list = await client().list(ConfigMap, { namespace, fieldSelector: `metadata.name=${id}` });
    expect(list.items).toEqual([made]);
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of client().watch(ConfigMap, {
        namespace,
        fieldSelector: `metadata.name=${id}`,
        ...(list.metadata.resourceVersion ? { resourceVersion: list.metadata.resourceVersion } : {}),
      })) {
        seen.push(event.type);
        if (event.type === 'DELETED') return;
      }
    })();
    await client().patch(ConfigMap, id, 'merge', { data: { b: '2' } }, { namespace });
    await client().delete(ConfigMap, id, { namespace });
    await watching;
    expect(seen).toEqual(['MODIFIED', 'DELETED']);
    const error: unknown = await client()
      .get(ConfigMap, id, { namespace })
      .catch((e: unknown) => e);
    expect(isReason(error, 'NotFound')).toBe(true);
  });
  test('reads logs and runs commands', async () => {
    const pod = {
      metadata: { name: `run-${id}` },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    };
    await client().create(Pod, pod, { namespace });
    const log: Uint8Array[] = [];
    for await (const chunk of client().logs(`run-${id}`, { namespace })) log.push(chunk);
    expect(Buffer.concat(log).toString()).toBe('a line\n');
    const out: Uint8Array[] = [];
    const code = await client().exec(`run-${id}`, {
      namespace,
      command: ['x'],
      stdout: (chunk) => void out.push(chunk),
    });
    expect([code, Buffer.concat(out).toString()]).toEqual([4, 'out']);
  });
});
