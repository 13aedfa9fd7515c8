/** Short ways to write slices, classes and claims in tests. */
import type { DeviceClass, Pod, ResourceClaim, ResourceSlice, resource_v1 } from '@coracle/machinery/api';
import { pod, type PodOptions } from '../objects.ts';

export interface SliceOptions {
  driver?: string;
  pool?: string;
  generation?: number;
  count?: number;
  spec?: Partial<resource_v1.ResourceSliceSpec>;
}

export const gpuDriver = 'gpu.example.com';

/** A slice for one node, unless `spec` says otherwise; the pool has the node's name. */
export function slice(
  name: string,
  node: string | undefined,
  devices: readonly (string | resource_v1.Device)[],
  options: SliceOptions = {},
): ResourceSlice {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name, uid: `slice-${name}` },
    spec: {
      driver: options.driver ?? gpuDriver,
      pool: {
        name: options.pool ?? node ?? 'shared',
        generation: options.generation ?? 1,
        resourceSliceCount: options.count ?? 1,
      },
      ...(node === undefined ? {} : { nodeName: node }),
      ...(devices.length > 0
        ? { devices: devices.map((device) => (typeof device === 'string' ? { name: device } : device)) }
        : {}),
      ...options.spec,
    },
  } as ResourceSlice;
}

export function deviceClass(
  name: string,
  expressions: readonly string[] = [],
  spec: Partial<resource_v1.DeviceClassSpec> = {},
): DeviceClass {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name, uid: `class-${name}` },
    spec: { selectors: expressions.map((expression) => ({ cel: { expression } })), ...spec },
  } as DeviceClass;
}

/** A claim for `count` devices of the class `gpu`, unless `devices` says otherwise. */
export function claim(name: string, devices: resource_v1.DeviceClaim | number = 1): ResourceClaim {
  const spec: resource_v1.DeviceClaim =
    typeof devices === 'number'
      ? {
          requests: [
            {
              name: 'r',
              exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: devices },
            },
          ],
        }
      : devices;
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name, namespace: 'default', uid: `claim-${name}` },
    spec: { devices: spec },
  } as ResourceClaim;
}

/** A pod that uses these claims by name. */
export function podWith(name: string, claims: readonly string[], options: PodOptions = {}): Pod {
  const resourceClaims = claims.map((resourceClaimName, i) => ({ name: `c${i}`, resourceClaimName }));
  return pod(name, { ...options, spec: { resourceClaims, ...options.spec } });
}

export function request(
  name: string,
  exactly: Partial<resource_v1.ExactDeviceRequest> = {},
): resource_v1.DeviceRequest {
  return {
    name,
    exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...exactly },
  };
}

export const cel = (expression: string): resource_v1.DeviceSelector => ({ cel: { expression } });
