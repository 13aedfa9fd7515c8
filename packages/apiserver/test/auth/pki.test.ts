import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createCertificateAuthority,
  createPki,
  issueCertificate,
  loadOrCreatePki,
} from '../../src/auth/index.ts';

const now = new Date('2026-05-01T12:00:00Z');
const year = 365 * 86_400_000;

describe('certificates', () => {
  test('a client certificate carries the user and its groups and chains to the authority', () => {
    const authority = createCertificateAuthority({ now });
    const pair = issueCertificate(authority, {
      commonName: 'system:node:a',
      organizations: ['system:nodes', 'günther'],
      usages: ['client'],
      notBefore: now,
      notAfter: new Date(now.getTime() + year),
    });
    const certificate = new X509Certificate(pair.certificate);
    expect(certificate.subject).toBe('O=system:nodes\nO=günther\nCN=system:node:a');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    const issuer = new X509Certificate(authority.certificate);
    expect(issuer.ca).toBe(true);
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.validToDate).toEqual(new Date('2027-05-01T12:00:00Z'));
  });

  test('validity beyond 2049 is written as generalized time', () => {
    const authority = createCertificateAuthority({ now, days: 365 * 40 });
    expect(new X509Certificate(authority.certificate).validToDate.getUTCFullYear()).toBe(2066);
  });

  test('a serving certificate is valid for names, IPv4 and IPv6 addresses, and no others', () => {
    const { serving } = createPki({ hosts: ['box.example', '192.0.2.7', 'fe80::1:2'], now: () => now });
    const certificate = new X509Certificate(serving.certificate);
    for (const host of ['localhost', 'kubernetes.default.svc', 'box.example'])
      expect(certificate.checkHost(host)).toBe(host);
    for (const ip of ['127.0.0.1', '::1', '192.0.2.7', 'fe80::1:2', '10.96.0.1'])
      expect(certificate.checkIP(ip)).toBeDefined();
    expect(certificate.checkHost('evil.example')).toBeUndefined();
    expect(certificate.checkIP('192.0.2.8')).toBeUndefined();
  });

  test('TLS with client certificates works between our own keys', async () => {
    const pki = createPki();
    const server = createServer({
      cert: pki.serving.certificate,
      key: pki.serving.privateKey,
      ca: pki.authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const seen = new Promise<string>((resolve) =>
      server.once('secureConnection', (socket) => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.end();
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const client = connect({
      host: '127.0.0.1',
      port,
      ca: pki.authority.certificate,
      cert: pki.admin.certificate,
      key: pki.admin.privateKey,
    });
    expect(await seen).toBe('kubernetes-admin');
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('the keys in a folder', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'coracle-pki-'));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const load = (at = now, hosts: string[] = []) => loadOrCreatePki(dir, { now: () => at, hosts });

  test('are made once and readable by their owner only', async () => {
    const first = await load();
    const second = await load();
    expect(second.authority).toEqual(first.authority);
    expect(second.serving).toEqual(first.serving);
    expect(second.admin).toEqual(first.admin);
    expect(second.serviceAccountKey).toBe(first.serviceAccountKey);
    for (const name of ['ca.key', 'apiserver.key', 'admin.key', 'sa.key', 'admin.crt'])
      expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  });

  test('are renewed before they expire, the authority kept', async () => {
    const first = await load();
    const later = await load(new Date(now.getTime() + year - 10 * 86_400_000));
    expect(later.authority).toEqual(first.authority);
    expect(later.serving).not.toEqual(first.serving);
    expect(later.admin).not.toEqual(first.admin);
    expect(later.serviceAccountKey).toBe(first.serviceAccountKey);
  });

  test('a new host name makes a new serving certificate only', async () => {
    const first = await load();
    const moved = await load(now, ['other.example']);
    expect(moved.admin).toEqual(first.admin);
    expect(new X509Certificate(moved.serving.certificate).checkHost('other.example')).toBe('other.example');
  });

  test('a broken or foreign key file is replaced', async () => {
    const first = await load();
    await writeFile(join(dir, 'apiserver.key'), 'garbage');
    await writeFile(join(dir, 'sa.key'), first.admin.certificate);
    const second = await load();
    expect(second.serving).not.toEqual(first.serving);
    expect(second.serviceAccountKey).not.toBe(first.serviceAccountKey);
    expect(await readFile(join(dir, 'apiserver.key'), 'utf8')).toBe(second.serving.privateKey);
  });

  test('a lost authority renews everything it signed', async () => {
    const first = await load();
    await rm(join(dir, 'ca.key'));
    const second = await load();
    expect(second.authority).not.toEqual(first.authority);
    expect(second.admin).not.toEqual(first.admin);
  });
});
