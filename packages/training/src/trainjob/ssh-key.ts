import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';

/** An ECDSA P-521 key pair: the private key as PEM (SEC 1), the public one as a line for `authorized_keys` (RFC 5656). */
export function makeSshKey(): { privateKey: string; publicKey: string } {
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-521',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const { x = '', y = '' }: JsonWebKey = createPublicKey(pair.publicKey).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), coordinate(x), coordinate(y)]);
  const type = 'ecdsa-sha2-nistp521';
  const blob = Buffer.concat([text(type), text('nistp521'), sized(point)]);
  return { privateKey: pair.privateKey, publicKey: `${type} ${blob.toString('base64')}\n` };
}

/** 66 bytes, left-padded: JWK has them so already, but must not be trusted to. */
function coordinate(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return Buffer.concat([Buffer.alloc(66 - bytes.length), bytes]);
}
const text = (s: string): Buffer => sized(Buffer.from(s));
function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
