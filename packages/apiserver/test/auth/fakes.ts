/** A lookup over plain objects, for tests of what reads other objects. */
import { createRegistry, type Unstructured, type UserInfo } from '@coracle/machinery';
import type { AdmissionRequest, Lookup, RequestAttributes, StrategyContext } from '../../src/contracts.ts';

const registry = createRegistry();

export interface FakeLookup extends Lookup {
  add(...objects: object[]): void;
  remove(group: string, resource: string, namespace: string, name: string): void;
}

const key = (...parts: string[]): string => parts.join('\n');

export function fakeLookup(...initial: object[]): FakeLookup {
  const stored = new Map<string, Unstructured>();
  const lookup: FakeLookup = {
    get: (group, resource, namespace, name) => stored.get(key(group, resource, namespace, name)),
    list: (group, resource, namespace) =>
      [...stored]
        .filter(([at]) =>
          at.startsWith(key(group, resource, namespace === undefined ? '' : `${namespace}\n`)),
        )
        .map(([, object]) => object),
    add(...objects) {
      for (const one of objects as Unstructured[]) {
        const [group = '', version = ''] = one.apiVersion.includes('/')
          ? one.apiVersion.split('/')
          : ['', one.apiVersion];
        const kind = registry.byKind(group, version, one.kind);
        if (!kind) throw new Error(`no kind ${one.apiVersion} ${one.kind}`);
        const namespace = kind.namespaced ? (one.metadata.namespace ?? 'default') : '';
        stored.set(key(group, kind.resource, namespace, one.metadata.name), {
          ...one,
          metadata: {
            ...one.metadata,
            uid: one.metadata.uid ?? `uid-${one.metadata.name}`,
            ...(namespace ? { namespace } : {}),
          },
        });
      }
    },
    remove: (...parts) => void stored.delete(key(...parts)),
  };
  lookup.add(...initial);
  return lookup;
}

export const user = (username: string, ...groups: string[]): UserInfo => ({
  username,
  groups: [...groups, 'system:authenticated'],
});

export function asking(
  who: UserInfo,
  verb: string,
  resource: string,
  more: Partial<RequestAttributes> = {},
): RequestAttributes {
  const [plain = '', subresource = ''] = resource.split('/');
  return {
    user: who,
    verb,
    isResource: true,
    path: '',
    group: '',
    version: 'v1',
    resource: plain,
    subresource,
    namespace: '',
    name: '',
    ...more,
  };
}

export function admission(
  operation: AdmissionRequest['operation'],
  object: object | undefined,
  more: Partial<AdmissionRequest> & { path?: string } = {},
): AdmissionRequest {
  const given = (object ?? more.oldObject) as Unstructured;
  const [group = '', version = ''] = given.apiVersion.includes('/')
    ? given.apiVersion.split('/')
    : ['', given.apiVersion];
  const kind = registry.byKind(group, version, given.kind);
  if (!kind) throw new Error(`no kind ${given.kind}`);
  return {
    ...asking(user('alice'), operation.toLowerCase(), kind.resource, { group, version }),
    namespace: kind.namespaced ? (given.metadata.namespace ?? 'default') : '',
    name: given.metadata.name,
    kind,
    operation,
    dryRun: false,
    subresource: '',
    object: object as Unstructured | undefined,
    oldObject: undefined,
    options: {},
    ...more,
  };
}

/** A context with counting allocators; `taken` is what is reserved. */
export function context(lookup: Lookup = fakeLookup()): StrategyContext & { taken: Set<string | number> } {
  const taken = new Set<string | number>();
  let last = 0;
  const take = <T extends string | number>(value: T): T => {
    if (taken.has(value)) throw new Error('provided value is already allocated');
    taken.add(value);
    return value;
  };
  return {
    lookup,
    now: new Date('2026-05-01T12:00:00Z'),
    user: user('alice'),
    taken,
    dryRun: false,
    subresource: '',
    allocate: {
      clusterIp: (wanted) => take(wanted ?? `10.96.0.${++last}`),
      nodePort: (wanted) => take(wanted ?? 30000 + ++last),
      release: (value) => void taken.delete(value),
    },
  };
}
