/** Reads PKCS#10 signing requests (what `openssl req` writes) and signs approved ones for the API server's own signers. */
import { createPublicKey, verify } from 'node:crypto';
import type { CertificateSigningRequest } from '@coracle/machinery/api';
import { type KeyPair, signCertificate } from './certificates.ts';

/** A well-formed request whose signature proves that the sender holds the key. */
export interface ParsedRequest {
  commonName: string;
  organizations: string[];
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array;
  /** It asks for names or addresses, or other extensions. */
  hasExtensions: boolean;
}

interface Element {
  tag: number;
  /** Tag, length and contents. */
  whole: Buffer;
  body: Buffer;
}

/** The elements one after the other in `bytes`. Throws RangeError on anything that is not definite-length DER. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes.readUInt8(at++);
    let length = bytes.readUInt8(at++);
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 4) throw new RangeError('unsupported length');
      length = bytes.readUIntBE(at, size);
      at += size;
    }
    if (at + length > bytes.length) throw new RangeError('truncated');
    found.push({ tag, whole: bytes.subarray(start, at + length), body: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

const commonNameId = '550403';
const organizationId = '55040a';
const hashes: Record<string, string | null> = {
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2b6570': null,
};

function attributeValues(name: Element, id: string): string[] {
  return elements(name.body)
    .flatMap((group) => elements(group.body))
    .flatMap((pair) => {
      const [type, value] = elements(pair.body);
      return type?.body.toString('hex') === id && value ? [value.body.toString('utf8')] : [];
    });
}

/** Undefined if the text is no signing request, or its signature is wrong. */
export function parseCertificateRequest(pemText: string): ParsedRequest | undefined {
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/.exec(pemText);
  if (!match) return undefined;
  try {
    const [outer] = elements(Buffer.from(match[1] ?? '', 'base64'));
    const [info, algorithm, signature] = elements(outer?.body ?? Buffer.alloc(0));
    const [, subject, key, attributes] = elements(info?.body ?? Buffer.alloc(0));
    if (!info || !algorithm || !signature || !subject || !key) return undefined;
    const hash = hashes[elements(algorithm.body)[0]?.body.toString('hex') ?? ''];
    if (hash === undefined) return undefined;
    const publicKey = createPublicKey({ key: key.whole, format: 'der', type: 'spki' });
    if (!verify(hash, info.whole, publicKey, signature.body.subarray(1))) return undefined;
    return {
      commonName: attributeValues(subject, commonNameId)[0] ?? '',
      organizations: attributeValues(subject, organizationId),
      publicKey: key.whole,
      hasExtensions: (attributes?.body.length ?? 0) > 0,
    };
  } catch {
    return undefined;
  }
}

export const clientSigner = 'kubernetes.io/kube-apiserver-client';
const kubeletSigner = 'kubernetes.io/kube-apiserver-client-kubelet';

const yearSeconds = 365 * 86_400;
const allowedUsages = new Set(['client auth', 'digital signature', 'key encipherment']);

export type Signing = { certificate: string } | { refused: string };

/**
 * Signs a request object for one of our two signers; undefined if it is for another signer, not approved, denied, or
 * already signed. `certificate` is PEM; `refused` says why a Failed condition is due. At most a year, as asked.
 */
export function signRequest(
  request: CertificateSigningRequest,
  authority: KeyPair,
  now: Date,
): Signing | undefined {
  const { spec, status } = request;
  if (spec.signerName !== clientSigner && spec.signerName !== kubeletSigner) return undefined;
  const types = new Set((status?.conditions ?? []).map((condition) => condition.type));
  if (!types.has('Approved') || types.has('Denied') || types.has('Failed') || status?.certificate)
    return undefined;
  const parsed = parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
  if (!parsed) return { refused: 'the request is malformed or its signature is wrong' };
  const usages = spec.usages ?? [];
  if (!usages.includes('client auth') || !usages.every((usage) => allowedUsages.has(usage)))
    return {
      refused: 'usages must include client auth, and no others than digital signature and key encipherment',
    };
  if (spec.signerName === kubeletSigner) {
    const { commonName, organizations } = parsed;
    if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
      return { refused: 'subject organization is not system:nodes' };
    if (!commonName.startsWith('system:node:'))
      return { refused: 'subject common name does not begin with system:node:' };
  }
  const seconds = Math.min(spec.expirationSeconds ?? yearSeconds, yearSeconds);
  const certificate = signCertificate(authority, parsed.publicKey, {
    commonName: parsed.commonName,
    organizations: parsed.organizations,
    usages: ['client'],
    notBefore: new Date(now.getTime() - 300_000),
    notAfter: new Date(now.getTime() + seconds * 1000),
  });
  return { certificate };
}
