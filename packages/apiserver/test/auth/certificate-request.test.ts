import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { builtinAdmission } from '../../src/admission/index.ts';
import {
  createAuthorizer,
  createCertificateAuthority,
  parseCertificateRequest,
  signRequest,
} from '../../src/auth/index.ts';
import { admission, fakeLookup } from './fakes.ts';

/** Made with `openssl req -new -subj /O=dev/O=ops/CN=jane` on an EC key. */
const ec = `-----BEGIN CERTIFICATE REQUEST-----
MIHmMIGNAgEAMCsxDDAKBgNVBAoMA2RldjEMMAoGA1UECgwDb3BzMQ0wCwYDVQQD
DARqYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3KrWm/DJx7GwMdE14Shg
uZSBl2zs75H8PCr9drovg7NOio4aoe1PE670zB8p2PnXIkEDQ3eQPDDxKme5poDk
FKAAMAoGCCqGSM49BAMCA0gAMEUCIFEIPDbcgvlMwcqg4DOFpQlGwXv8ZoK7Fw8t
MAN7j25GAiEAsK6BzcLfbnSVlrfrx/jirKQ/KrMiX5xOjcDThNz2iH0=
-----END CERTIFICATE REQUEST-----
`;
/** Made with `openssl req -new -subj /O=system:masters/CN=evil` on an RSA key. */
const rsa = `-----BEGIN CERTIFICATE REQUEST-----
MIICbTCCAVUCAQAwKDEXMBUGA1UECgwOc3lzdGVtOm1hc3RlcnMxDTALBgNVBAMM
BGV2aWwwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCR5hDXKlvxVCqW
ih0WO+wSLfLXE1NttENNb4CBBaDVFlsdrlO9QBxfyfVkCgG39vf+Ow1yby++NSnP
Uw01wHCjLM0rlUgCQKx1yk4h+eqGhAQcIOgAJiINHtIpiMjgNrPD1SizBUhcb2BS
snL8haGeiX2AITIC/vUg9C8LRu4RP0phaAp8cfoE1z78GcsA3Tx6coc6kAIGfSck
F502F7E2Lfp0ZwtsY8uoPR7xJ/PCeMFh74TMEKDIV/DW1TidL8J6BmMVZT/FqwPk
0jIbRAC6LYA2GTYDxufVxDS66gbKa/HjdOA1IfVVvx04pw6v72DRzEqzFdX+okng
S8M1ahZvAgMBAAGgADANBgkqhkiG9w0BAQsFAAOCAQEAAJPnWSMmxhymVHb9cMDj
HCxMX5376mH34GVOTsWwK9ecG0yPTBZ+2PFmv5jEJwsiFs3my87MLU+HaqpM8dKB
ByoZONcDQA0hIjhqp4U9Sy768XtzoVMbqKVVenQo2W/4z1xf9rt+/BL7mRgnKAUX
JAIpjSpASXmrXINOhkiZUSSVkbDQSOfzQG0H3CFEbMcVdUXaPzTbZzKHEcAAA1Qs
w7S+HoUo2dggfT7Pr+HNz56ejCPYUTKels8JkRl3bQaR4/8YAmPfvGIHbTEeSWfa
Qhji6kigOFsHFIO8sSyD1MfSmTrQEgB2/005msA5p+vnfSQpCtu36qpBk1PkyARs
tA==
-----END CERTIFICATE REQUEST-----
`;

const now = new Date('2026-05-01T12:00:00Z');
const authority = createCertificateAuthority({ now });
const request = (
  pem: string,
  spec: object = {},
  conditions: string[] = ['Approved'],
): CertificateSigningRequest =>
  ({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'r' },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      ...spec,
    },
    status: { conditions: conditions.map((type) => ({ type, status: 'True' })) },
  }) as unknown as CertificateSigningRequest;

describe('a signing request', () => {
  test('is read with its subject, whatever the kind of key', () => {
    expect(parseCertificateRequest(ec)).toMatchObject({
      commonName: 'jane',
      organizations: ['dev', 'ops'],
      hasExtensions: false,
    });
    expect(parseCertificateRequest(rsa)).toMatchObject({
      commonName: 'evil',
      organizations: ['system:masters'],
    });
  });

  test('that was altered or is no request is not read', () => {
    const bytes = Buffer.from(ec.replace(/-----[^-]+-----/g, ''), 'base64');
    const at = bytes.indexOf('jane');
    bytes.write('joan', at);
    const altered = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    expect(parseCertificateRequest(altered)).toBeUndefined();
    for (const text of [
      '',
      'x',
      ec.slice(0, 200),
      '-----BEGIN CERTIFICATE REQUEST-----\nMP//\n-----END CERTIFICATE REQUEST-----',
    ])
      expect(parseCertificateRequest(text)).toBeUndefined();
  });

  test('is signed once it is approved, for at most a year', () => {
    const signed = signRequest(request(ec, { expirationSeconds: 3600 }), authority, now) as {
      certificate: string;
    };
    const certificate = new X509Certificate(signed.certificate);
    expect(certificate.subject).toBe('O=dev\nO=ops\nCN=jane');
    expect(certificate.validToDate).toEqual(new Date('2026-05-01T13:00:00Z'));
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    const long = signRequest(request(ec, { expirationSeconds: 1e9 }), authority, now) as {
      certificate: string;
    };
    expect(new X509Certificate(long.certificate).validToDate).toEqual(new Date('2027-05-01T12:00:00Z'));
  });

  test('is left alone when not approved, denied, or for another signer', () => {
    expect(signRequest(request(ec, {}, []), authority, now)).toBeUndefined();
    expect(signRequest(request(ec, {}, ['Approved', 'Denied']), authority, now)).toBeUndefined();
    expect(signRequest(request(ec, { signerName: 'example.com/mine' }), authority, now)).toBeUndefined();
  });

  test('is refused for usages or subjects its signer does not give', () => {
    expect(
      signRequest(request(ec, { usages: ['server auth', 'client auth'] }), authority, now),
    ).toHaveProperty('refused');
    expect(
      signRequest(request(ec, { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }), authority, now),
    ).toEqual({
      refused: 'subject organization is not system:nodes',
    });
  });

  test('for system:masters is not even accepted', async () => {
    const lookup = fakeLookup();
    const plugins = builtinAdmission({ lookup, authorizer: createAuthorizer({ lookup }), now: () => now });
    const admit = async (pem: string): Promise<void> => {
      for (const plugin of plugins) await plugin.validate?.(admission('CREATE', request(pem)));
    };
    await admit(ec);
    await expect(admit(rsa)).rejects.toThrow(
      'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
  });
});
