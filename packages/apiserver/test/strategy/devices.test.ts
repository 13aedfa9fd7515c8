import { describe, expect, test } from 'vitest';
import type { Unstructured } from '@coracle/machinery';
import { context, fakeLookup } from '../auth/fakes.ts';
import { type Body, create, type Made, problems, update } from './support.ts';

const claim = (devices: object, version = 'v1'): Body => ({
  apiVersion: `resource.k8s.io/${version}`,
  kind: 'ResourceClaim',
  spec: { devices },
});
const request = (name: string, more: object = {}) => ({
  name,
  exactly: { deviceClassName: 'gpu.example.com', ...more },
});
const cel = (expression: string) => ({ cel: { expression } });
const slice = (spec: object): Body => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  spec: {
    driver: 'gpu.example.com',
    nodeName: 'a',
    pool: { name: 'a', generation: 1, resourceSliceCount: 1 },
    ...spec,
  },
});

describe('a resource claim', () => {
  test('asks for one device of a class, unless it says more', () => {
    const made = create(claim({ requests: [request('gpu'), request('all', { allocationMode: 'All' })] }));
    expect(made.spec['devices']).toEqual({
      requests: [
        request('gpu', { allocationMode: 'ExactCount', count: 1 }),
        request('all', { allocationMode: 'All' }),
      ],
    });
  });

  test('names its requests once, and refers to requests it has', () => {
    expect(
      problems(
        claim({
          requests: [request('gpu'), request('gpu'), { name: 'none' }],
          constraints: [
            { matchAttribute: 'gpu.example.com/numa', requests: ['gpu', 'nic'] },
            { matchAttribute: 'numa' },
            {},
          ],
          config: [{ requests: ['gpu/a'], opaque: { driver: 'gpu.example.com', parameters: { a: 1 } } }],
        }),
      ),
    ).toEqual([
      'spec.devices.requests[2]: Required value: exactly one of `exactly` or `firstAvailable` is required',
      'spec.devices.requests[1]: Duplicate value: "gpu"',
      'spec.devices.constraints[0].requests[1]: Invalid value: "nic": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'spec.devices.constraints[1].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
      'spec.devices.constraints[2]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required',
      'spec.devices.config[0].requests[0]: Invalid value: "gpu/a": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
    ]);
  });

  test('has selectors that compile to a test of a device', () => {
    expect(
      problems(
        claim({
          requests: [
            request('gpu', {
              selectors: [
                cel('device.driver == "gpu.example.com"'),
                cel('device.color == "red"'),
                cel('device.driver'),
                cel(`device.driver == "${'x'.repeat(10_240)}"`),
                {},
              ],
            }),
          ],
        }),
      ),
    ).toEqual([
      'spec.devices.requests[0].exactly.selectors[1].cel.expression: Invalid value: "device.color == \\"red\\"": compilation failed: ERROR: <input>:1:7: undefined field \'color\'\n | device.color == "red"\n | ......^',
      'spec.devices.requests[0].exactly.selectors[2].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string',
      'spec.devices.requests[0].exactly.selectors[3].cel.expression: Too long: may not be more than 10240 bytes',
      'spec.devices.requests[0].exactly.selectors[4].cel: Required value',
    ]);
  });

  test('has limits to how much it asks for', () => {
    const many = Array.from({ length: 33 }, (_, index) => request(`r${index}`));
    expect(problems(claim({ requests: many }))).toEqual([
      'spec.devices.requests: Too many: 33: must have at most 32 items',
    ]);
    expect(problems(claim({ requests: [request('all', { allocationMode: 'All', count: 2 })] }))).toEqual([
      "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
    ]);
  });

  test('may ask for access beside other users only in a namespace marked for that', () => {
    const body = claim({ requests: [request('gpu', { adminAccess: true })] });
    expect(problems(body)).toEqual([
      'spec.devices.requests[0].exactly.adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
    ]);
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'default', labels: { 'resource.kubernetes.io/admin-access': 'true' } },
    } as unknown as Unstructured;
    const lookup = { ...fakeLookup(), get: () => namespace };
    expect(() => create(body, context(lookup))).not.toThrow();
  });

  test('keeps its spec', () => {
    const old = create(claim({ requests: [request('gpu')] }));
    const changed = update(old, (object) => {
      object.spec['devices'] = { requests: [request('other')] };
    });
    expect(changed.problems).toEqual([expect.stringContaining('spec: Invalid value')]);
    expect(changed.problems[0]).toContain('field is immutable');
  });
});

describe('the status of a resource claim', () => {
  const result = { request: 'gpu', driver: 'gpu.example.com', pool: 'a', device: 'gpu-0' };
  const consumer = { resource: 'pods', name: 'p', uid: '11111111-1111-1111-1111-111111111111' };
  const set = (old: Unstructured, status: object) =>
    update(old, (object) => void (object.status = status), context(), 'status');
  const fresh = () => create(claim({ requests: [request('gpu')] })) as Made;

  test('names consumers only while something is allocated', () => {
    expect(set(fresh(), { reservedFor: [consumer] }).problems).toEqual([
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ]);
    expect(
      set(fresh(), { allocation: { devices: { results: [result] } }, reservedFor: [consumer] }).problems,
    ).toEqual([]);
  });

  test('has an allocation that can go, not change', () => {
    const { object } = set(fresh(), {
      allocation: { devices: { results: [result] } },
      devices: [{ driver: 'gpu.example.com', pool: 'a', device: 'gpu-0' }],
    });
    const other = { allocation: { devices: { results: [{ ...result, device: 'gpu-1' }] } } };
    expect(set(object, other).problems).toEqual([
      expect.stringContaining('status.allocation: Invalid value'),
    ]);
    const cleared = update(
      object,
      (next) => {
        delete (next.status as { allocation?: object }).allocation;
      },
      context(),
      'status',
    );
    expect(cleared.problems).toEqual([]);
    expect(cleared.object.status).toEqual({});
  });

  test('refers to requests of the claim, and at most 256 consumers', () => {
    expect(
      set(fresh(), { allocation: { devices: { results: [{ ...result, request: 'nic' }] } } }).problems,
    ).toEqual([
      expect.stringContaining('status.allocation.devices.results[0].request: Invalid value: "nic"'),
    ]);
    const many = Array.from({ length: 257 }, (_, index) => ({ ...consumer, uid: `uid-${index}` }));
    expect(
      set(fresh(), { allocation: { devices: { results: [result] } }, reservedFor: many }).problems,
    ).toEqual(['status.reservedFor: Too many: 257: must have at most 256 items']);
  });
});

describe('a resource slice', () => {
  test('says for which nodes it is, in one way', () => {
    expect(problems(slice({}))).toEqual([]);
    expect(problems(slice({ nodeName: undefined }))).toEqual([
      'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
    ]);
    expect(problems(slice({ allNodes: true }))).toEqual([
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ]);
  });

  test('has at most 128 devices, 64 if some are tainted', () => {
    const devices = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `d${index}` }));
    expect(problems(slice({ devices: devices(128) }))).toEqual([]);
    expect(problems(slice({ devices: devices(129) }))).toEqual([
      'spec.devices: Too many: 129: must have at most 128 items',
    ]);
    const tainted = { name: 'bad', taints: [{ key: 'example.com/broken', effect: 'NoExecute' }] };
    expect(problems(slice({ devices: [...devices(64), tainted] }))).toEqual([
      'spec.devices: Too many: 65: must have at most 64 items',
    ]);
  });

  test('has attributes of one value each, and names in their shape', () => {
    expect(
      problems(
        slice({
          devices: [
            {
              name: 'gpu-0',
              attributes: {
                model: { string: 'A100', int: 1 },
                'a/b/c': { int: 1 },
                version: { version: '1.2' },
                'other.example.com/ok': { bool: false },
              },
              capacity: { memory: { value: '40Gi', requestPolicy: { default: '1Gi' } } },
            },
            { name: 'gpu-0' },
          ],
        }),
      ),
    ).toEqual([
      'spec.devices[0].attributes[model]: Invalid value: {"string":"A100","int":1}: exactly one value must be specified',
      'spec.devices[0].attributes: Invalid value: "a/b/c": must not contain more than one slash',
      'spec.devices[0].attributes[version].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0',
      'spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true',
      'spec.devices[1]: Duplicate value: "gpu-0"',
    ]);
  });

  test('shares capacity by a policy that can be kept', () => {
    const shared = (validRange: object, standard = '1Gi') =>
      slice({
        devices: [
          {
            name: 'gpu-0',
            allowMultipleAllocations: true,
            capacity: { memory: { value: '40Gi', requestPolicy: { default: standard, validRange } } },
          },
        ],
      });
    const at = 'spec.devices[0].capacity[memory].requestPolicy.validRange';
    expect(problems(shared({ min: '1Gi', step: '1Gi', max: '40Gi' }))).toEqual([]);
    expect(problems(shared({ min: '2Gi', max: '64Gi' }))).toEqual([
      `${at}.default: Invalid value: "1Gi": default is less than min: 2Gi`,
      `${at}.max: Invalid value: "64Gi": max is larger than capacity value: 40Gi`,
    ]);
    expect(problems(shared({ min: '1Gi', step: '2Gi' }, '2Gi'))).toEqual([
      `${at}.step: Invalid value: "2Gi": value is not a multiple of a given step (2Gi) from (1Gi)`,
    ]);
  });

  test('says since when its taints hold, and keeps driver, pool and node', () => {
    const made = create(
      slice({ devices: [{ name: 'd', taints: [{ key: 'example.com/broken', effect: 'NoExecute' }] }] }),
    );
    expect(made.spec['devices']).toEqual([
      {
        name: 'd',
        taints: [{ key: 'example.com/broken', effect: 'NoExecute', timeAdded: '2026-05-01T12:00:00Z' }],
      },
    ]);
    const later = { ...context(), now: new Date('2026-05-02T12:00:00Z') };
    const kept = update(
      made,
      (object) => {
        object.spec['devices'] = [
          {
            name: 'd',
            taints: [
              { key: 'example.com/broken', effect: 'NoExecute' },
              { key: 'example.com/slow', effect: 'NoSchedule' },
            ],
          },
        ];
      },
      later,
    );
    expect(kept.object.spec['devices']).toMatchObject([
      { taints: [{ timeAdded: '2026-05-01T12:00:00Z' }, { timeAdded: '2026-05-02T12:00:00Z' }] },
    ]);
    expect(
      update(made, (object) => {
        object.spec['driver'] = 'other.example.com';
        object.spec['nodeName'] = 'b';
      }).problems,
    ).toEqual([
      'spec.driver: Invalid value: "other.example.com": field is immutable',
      'spec.nodeName: Invalid value: "b": field is immutable',
    ]);
  });
});

test('a device class has selectors that compile, and stands for an extended resource', () => {
  const deviceClass = (spec: object): Body => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    spec,
  });
  expect(
    problems(
      deviceClass({ selectors: [cel('device.driver == "a"')], extendedResourceName: 'example.com/gpu' }),
    ),
  ).toEqual([]);
  expect(problems(deviceClass({ selectors: [cel('nope')], extendedResourceName: 'cpu' }))).toEqual([
    expect.stringContaining("undeclared reference to 'nope'"),
    'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
  ]);
});

test('a claim template is checked as the claims it makes', () => {
  expect(
    problems({
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaimTemplate',
      spec: { spec: { devices: { requests: [request('gpu', { selectors: [cel('1')] })] } } },
    }),
  ).toEqual([
    'spec.spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "1": must evaluate to bool or the unknown type, not int',
  ]);
});

test('a device taint rule names a taint of a known effect', () => {
  const rule = (taint: object): Body => ({
    apiVersion: 'resource.k8s.io/v1beta2',
    kind: 'DeviceTaintRule',
    spec: { deviceSelector: { driver: 'gpu.example.com' }, taint },
  });
  expect(create(rule({ key: 'example.com/broken', effect: 'NoExecute' })).spec['taint']).toMatchObject({
    timeAdded: '2026-05-01T12:00:00Z',
  });
  expect(problems(rule({ key: 'example.com/broken', effect: 'Never' }))).toEqual([
    'spec.taint.effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"',
  ]);
});
