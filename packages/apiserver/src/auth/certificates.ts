/** X.509 certificates on EC P-256: the cluster's authority, serving certificates and client certificates. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  time,
  utf8,
} from './der.ts';

/** A certificate and its private key (PKCS#8), both PEM. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

export interface CertificateRequest {
  commonName: string;
  /** O fields: groups, in a client certificate. */
  organizations?: readonly string[];
  usages: readonly ('server' | 'client')[];
  /** DNS names and IP addresses the certificate is valid for. */
  hosts?: readonly string[];
  notBefore: Date;
  notAfter: Date;
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const usageIds = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

const attribute = (id: string, value: string): Buffer => set(sequence(oid(id), utf8(value)));
const nameOf = (commonName: string, organizations: readonly string[]): Buffer =>
  sequence(
    ...organizations.map((organization) => attribute('2.5.4.10', organization)),
    attribute('2.5.4.3', commonName),
  );
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

/** PKCS#8 PEM. */
export const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

const hexGroups = (text: string): number[] => (text ? text.split(':').map((part) => parseInt(part, 16)) : []);

function ipBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const front = hexGroups(head);
  const back = tail === undefined ? [] : hexGroups(tail);
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** SHA-1 of the public key's bits (RFC 5280 4.2.1.2): the last 65 bytes of a P-256 SubjectPublicKeyInfo, else all of it. */
function keyIdentifier(spki: Uint8Array): Buffer {
  const point = spki.length === 91 ? spki.subarray(-65) : spki;
  return createHash('sha1').update(point).digest();
}

interface Unsigned {
  subject: Buffer;
  issuer: Buffer;
  spki: Buffer;
  extensions: Buffer[];
  notBefore: Date;
  notAfter: Date;
}

function signed(unsigned: Unsigned, issuerKey: KeyObject): string {
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    unsigned.issuer,
    sequence(time(unsigned.notBefore), time(unsigned.notAfter)),
    unsigned.subject,
    unsigned.spki,
    explicit(3, sequence(...unsigned.extensions)),
  );
  return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, bits(sign('sha256', body, issuerKey))));
}

const authorityName = 'coracle';

/** A self-signed authority named `coracle`. `now` begins its validity (less five minutes, for skewed clocks). */
export function createCertificateAuthority(options: { now: Date; days?: number }): KeyPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const subject = nameOf(authorityName, []);
  const certificate = signed(
    {
      subject,
      issuer: subject,
      spki,
      notBefore: new Date(options.now.getTime() - 300_000),
      notAfter: new Date(options.now.getTime() + (options.days ?? 3650) * 86_400_000),
      extensions: [
        extension('2.5.29.19', true, sequence(boolean(true))),
        // digitalSignature, keyCertSign, cRLSign
        extension('2.5.29.15', true, bits(Buffer.from([0b1000_0110]), 1)),
        extension('2.5.29.14', false, octets(keyIdentifier(spki))),
      ],
    },
    keys.privateKey,
  );
  return { certificate, privateKey: privatePem(keys.privateKey) };
}

/** Signs a certificate for a key somebody else holds (`publicKey` is SubjectPublicKeyInfo DER). Returns PEM. */
export function signCertificate(
  authority: KeyPair,
  publicKey: Uint8Array,
  request: CertificateRequest,
): string {
  const authorityKey = createPrivateKey(authority.privateKey);
  const authoritySpki = createPublicKey(authorityKey).export({ type: 'spki', format: 'der' });
  const spki = Buffer.from(publicKey);
  const hosts = (request.hosts ?? []).map((host) =>
    isIP(host) ? implicit(7, ipBytes(host)) : implicit(2, Buffer.from(host, 'latin1')),
  );
  return signed(
    {
      subject: nameOf(request.commonName, request.organizations ?? []),
      issuer: nameOf(authorityName, []),
      spki,
      notBefore: request.notBefore,
      notAfter: request.notAfter,
      extensions: [
        extension('2.5.29.19', true, sequence()),
        extension('2.5.29.15', true, bits(Buffer.from([0b1000_0000]), 7)),
        extension('2.5.29.37', false, sequence(...request.usages.map((usage) => oid(usageIds[usage])))),
        extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(authoritySpki)))),
        ...(hosts.length > 0 ? [extension('2.5.29.17', false, sequence(...hosts))] : []),
      ],
    },
    authorityKey,
  );
}

/** A new key and its certificate, signed by `authority` (which createCertificateAuthority made). */
export function issueCertificate(authority: KeyPair, request: CertificateRequest): KeyPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  return {
    certificate: signCertificate(authority, spki, request),
    privateKey: privatePem(keys.privateKey),
  };
}
