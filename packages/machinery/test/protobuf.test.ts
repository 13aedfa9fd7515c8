import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeProtobuf, isProtobuf, ProtobufError } from '../src/protobuf.ts';

/** A small writer of the wire format, for bodies as Go's generated code makes them. */
type Part = Uint8Array;
const varint = (n: number | bigint): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(n)); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
};
const join = (...parts: readonly ArrayLike<number>[]): Part =>
  Uint8Array.from(parts.flatMap((p) => Array.from(p)));
const bytes = (field: number, value: ArrayLike<number>): Part =>
  join(varint(field * 8 + 2), varint(value.length), value);
const text = (field: number, value: string): Part => bytes(field, new TextEncoder().encode(value));
const int = (field: number, value: number | bigint): Part => join(varint(field * 8), varint(value));
const body = (apiVersion: string, kind: string, raw: Part): Part =>
  join([0x6b, 0x38, 0x73, 0], bytes(1, join(text(1, apiVersion), text(2, kind))), bytes(2, raw));
const entry = (field: number, key: string, value: string): Part =>
  bytes(field, join(text(1, key), text(2, value)));

describe('protobuf bodies', () => {
  test('a Deployment: empty values go, pointers to them stay, maps, quantities and ports are read', async () => {
    const metadata = join(
      text(1, 'web'),
      text(2, ''),
      text(3, 'default'),
      bytes(8, []),
      entry(11, 'app', 'web'),
    );
    const resources = bytes(8, bytes(2, join(text(1, 'cpu'), bytes(2, text(1, '250m')))));
    const port = bytes(6, join(text(1, ''), int(2, 0), int(3, 80), text(4, 'TCP'), text(5, '')));
    const probe = bytes(
      10,
      bytes(1, bytes(2, join(text(1, '/'), bytes(2, join(int(1, 1), text(3, 'http')))))),
    );
    const container = bytes(2, join(text(1, 'main'), text(2, 'image'), text(5, ''), port, resources, probe));
    const volume = bytes(1, join(text(1, 'scratch'), bytes(2, bytes(2, text(1, '')))));
    const template = bytes(3, join(bytes(1, []), bytes(2, join(volume, container))));
    const spec = join(int(1, 0), bytes(2, entry(1, 'app', 'web')), template, int(5, 0));
    const raw = join(bytes(1, metadata), bytes(2, spec), bytes(3, []));
    expect(await decodeProtobuf(body('apps/v1', 'Deployment', raw))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
      spec: {
        // A pointer to 0 is a value; minReadySeconds, a plain 0, is not.
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: {
          spec: {
            // emptyDir is a pointer inside the embedded VolumeSource.
            volumes: [{ name: 'scratch', emptyDir: {} }],
            containers: [
              {
                name: 'main',
                image: 'image',
                ports: [{ containerPort: 80, protocol: 'TCP' }],
                resources: { requests: { cpu: '250m' } },
                livenessProbe: { httpGet: { path: '/', port: 'http' } },
              },
            ],
          },
        },
      },
    });
  });

  test('times, bytes, negative numbers and delete options', async () => {
    const lease = bytes(
      2,
      join(text(1, 'me'), int(2, 15), bytes(3, join(int(1, 1_700_000_000), int(2, 123_456_000)))),
    );
    expect(await decodeProtobuf(body('coordination.k8s.io/v1', 'Lease', lease))).toMatchObject({
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15, acquireTime: '2023-11-14T22:13:20.123456Z' },
    });
    const secret = bytes(2, join(text(1, 'k'), bytes(2, [0, 255])));
    expect(await decodeProtobuf(body('v1', 'Secret', secret))).toMatchObject({ data: { k: 'AP8=' } });
    const priority = int(2, -5n);
    expect(await decodeProtobuf(body('scheduling.k8s.io/v1', 'PriorityClass', priority))).toMatchObject({
      value: -5,
    });
    const options = join(int(1, 0), text(4, 'Background'));
    expect(await decodeProtobuf(body('apps/v1', 'DeleteOptions', options))).toMatchObject({
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    });
  });

  test('a key __proto__ stays a key', async () => {
    const map = bytes(2, join(text(1, '__proto__'), text(2, 'x')));
    const object = await decodeProtobuf(body('v1', 'ConfigMap', map));
    expect(Object.entries(object['data'] as object)).toEqual([['__proto__', 'x']]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('a kind without this form is named', async () => {
    await expect(decodeProtobuf(body('example.com/v1', 'Thing', new Uint8Array()))).rejects.toThrow(
      'no protobuf form is known of example.com/v1, Kind=Thing',
    );
  });

  test('any bytes give an object or a ProtobufError, never another error', async () => {
    const raws = fc.uint8Array({ maxLength: 200 });
    const kind = fc.constantFrom('Pod', 'ConfigMap', 'Service', 'Node');
    await fc.assert(
      fc.asyncProperty(raws, kind, async (raw, name) => {
        const sent = body('v1', name, raw);
        expect(isProtobuf(sent)).toBe(true);
        await decodeProtobuf(sent).catch((error: unknown) => expect(error).toBeInstanceOf(ProtobufError));
      }),
    );
  });
});
