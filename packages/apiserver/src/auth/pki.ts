/** The keys of one engine, kept in a folder: made on first use, reused while valid, renewed before they expire. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createCertificateAuthority, issueCertificate, type KeyPair, privatePem } from './certificates.ts';

export interface Pki {
  /** Signs everything below; clients trust it (`certificate-authority-data`), and client certificates must come from it. */
  authority: KeyPair;
  /** The HTTPS port's certificate. */
  serving: KeyPair;
  /** `kubernetes-admin` in `system:masters`, for the kubeconfig that `up` writes. */
  admin: KeyPair;
  /** ES256 signing key of service account tokens, PKCS#8 PEM. */
  serviceAccountKey: string;
  /** A client certificate for a user and its groups, valid for `days` (365). */
  issueClient(commonName: string, organizations: readonly string[], days?: number): KeyPair;
}

export interface PkiOptions {
  /** Host names and addresses of the HTTPS port besides localhost and the in-cluster service names. */
  hosts?: readonly string[];
  now?: () => Date;
}

const day = 86_400_000;
const standardHosts = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '127.0.0.1',
  '::1',
  '10.96.0.1',
];

/** Certificates are renewed when less than this is left of them. */
const renewBefore = 30 * day;

function usable(pair: KeyPair | undefined, now: Date, authority?: KeyPair): pair is KeyPair {
  if (!pair) return false;
  try {
    const certificate = new X509Certificate(pair.certificate);
    const left = Date.parse(certificate.validTo) - now.getTime();
    if (left < renewBefore || Date.parse(certificate.validFrom) > now.getTime()) return false;
    if (!certificate.checkPrivateKey(createPrivateKey(pair.privateKey))) return false;
    return !authority || certificate.verify(new X509Certificate(authority.certificate).publicKey);
  } catch {
    return false;
  }
}

function covers(pair: KeyPair, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(pair.certificate);
  return hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)));
}

async function readPair(dir: string, name: string): Promise<KeyPair | undefined> {
  try {
    const [certificate, privateKey] = await Promise.all([
      readFile(join(dir, `${name}.crt`), 'utf8'),
      readFile(join(dir, `${name}.key`), 'utf8'),
    ]);
    return { certificate, privateKey };
  } catch {
    return undefined;
  }
}

/** Written aside and renamed: a crash never leaves half a key. */
async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function writePair(dir: string, name: string, pair: KeyPair): Promise<void> {
  await writeSecret(join(dir, `${name}.key`), pair.privateKey);
  await writeSecret(join(dir, `${name}.crt`), pair.certificate);
}

/** A Pki that lives only in memory: for tests and `--ephemeral` engines. */
export function createPki(options: PkiOptions = {}): Pki {
  const now = (options.now ?? (() => new Date()))();
  const authority = createCertificateAuthority({ now });
  return assemble(authority, options, {});
}

function assemble(
  authority: KeyPair,
  options: PkiOptions,
  kept: {
    serving?: KeyPair | undefined;
    admin?: KeyPair | undefined;
    serviceAccountKey?: string | undefined;
  },
): Pki {
  const clock = options.now ?? (() => new Date());
  const span = (days: number): { notBefore: Date; notAfter: Date } => ({
    notBefore: new Date(clock().getTime() - 300_000),
    notAfter: new Date(clock().getTime() + days * day),
  });
  const issueClient = (commonName: string, organizations: readonly string[], days = 365): KeyPair =>
    issueCertificate(authority, { commonName, organizations, usages: ['client'], ...span(days) });
  return {
    authority,
    serving:
      kept.serving ??
      issueCertificate(authority, {
        commonName: 'kube-apiserver',
        usages: ['server'],
        hosts: [...new Set([...standardHosts, ...(options.hosts ?? [])])],
        ...span(365),
      }),
    admin: kept.admin ?? issueClient('kubernetes-admin', ['system:masters']),
    serviceAccountKey:
      kept.serviceAccountKey ?? privatePem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    issueClient,
  };
}

function validKey(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return createPrivateKey(text).asymmetricKeyDetails?.namedCurve === 'prime256v1' ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the keys in `dir`, making what is absent, unreadable, does not fit or is about to expire, with mode 0600.
 * Everything is renewed when the authority is; the service account key never expires.
 */
export async function loadOrCreatePki(dir: string, options: PkiOptions = {}): Promise<Pki> {
  const now = (options.now ?? (() => new Date()))();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const [storedAuthority, storedServing, storedAdmin, storedKey] = await Promise.all([
    readPair(dir, 'ca'),
    readPair(dir, 'apiserver'),
    readPair(dir, 'admin'),
    readFile(join(dir, 'sa.key'), 'utf8').catch(() => undefined),
  ]);
  const keep = usable(storedAuthority, now);
  const authority = keep ? storedAuthority : createCertificateAuthority({ now });
  const fits = (pair: KeyPair | undefined): KeyPair | undefined =>
    keep && usable(pair, now, authority) ? pair : undefined;
  const serving = fits(storedServing);
  const kept = {
    serving: serving && covers(serving, [...standardHosts, ...(options.hosts ?? [])]) ? serving : undefined,
    admin: fits(storedAdmin),
    serviceAccountKey: validKey(storedKey),
  };
  const pki = assemble(authority, options, kept);
  if (!keep) await writePair(dir, 'ca', pki.authority);
  if (!kept.serving) await writePair(dir, 'apiserver', pki.serving);
  if (!kept.admin) await writePair(dir, 'admin', pki.admin);
  if (!kept.serviceAccountKey) await writeSecret(join(dir, 'sa.key'), pki.serviceAccountKey);
  return pki;
}
