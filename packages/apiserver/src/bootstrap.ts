/** What every cluster has from its first moment. Made through the API like anything else; what is there is left alone. */
import { ApiError, type ApiHandler, type Status } from '@coracle/machinery';
import { bootstrapRbac } from './auth/index.ts';
import type { ServerContext } from './context.ts';
import { cidrRange } from './storage/allocate.ts';

export interface BootstrapOptions {
  /** Where the HTTPS port is: the `kubernetes` Service's endpoint. Without it the Service has none. */
  endpoint?: { address: string; port: number } | undefined;
}

type Draft = { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } } & Record<
  string,
  unknown
>;

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

function priorityClass(name: string, value: number, description: string): Draft {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
  };
}

function apiService({ endpoint }: BootstrapOptions, serviceCidr: string): Draft[] {
  const [a, b, c, d] = [24, 16, 8, 0].map((shift) => (cidrRange(serviceCidr).first >>> shift) & 255);
  const clusterIP = `${a}.${b}.${c}.${d}`;
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const service: Draft = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadata,
      labels: { component: 'apiserver', provider: 'kubernetes' },
    } as Draft['metadata'],
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: endpoint?.port ?? 6443 }],
    },
  };
  if (!endpoint) return [service];
  const ports = [{ name: 'https', port: endpoint.port, protocol: 'TCP' }];
  // An endpoint may not be a loopback address by the rules for users' endpoints; this one says where the server listens.
  return [
    service,
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        ...metadata,
        labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
      } as Draft['metadata'],
      subsets: [{ addresses: [{ ip: endpoint.address }], ports }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } } as Draft['metadata'],
      addressType: 'IPv4',
      endpoints: [{ addresses: [endpoint.address], conditions: { ready: true } }],
      ports,
    },
  ];
}

/** Creates what is missing. Throws the first refusal that is not AlreadyExists. */
export async function bootstrap(
  ctx: ServerContext,
  handler: ApiHandler,
  options: BootstrapOptions,
  serviceCidr: string,
): Promise<void> {
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  const send = async (method: string, path: string, body: unknown): Promise<Status> => {
    const response = await handler({
      method,
      path,
      query: new URLSearchParams(),
      headers: {},
      credentials: { kind: 'trusted', user },
      body: { value: body },
      want: 'values',
      signal: ctx.closing,
    });
    return response.kind === 'object'
      ? ((response.value as Status | undefined) ?? {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
        })
      : neverHere();
  };
  const ensure = async (draft: Draft): Promise<void> => {
    const [group = '', version = ''] = draft.apiVersion.includes('/')
      ? draft.apiVersion.split('/')
      : ['', draft.apiVersion];
    const kind = ctx.registry.byKind(group, version, draft.kind);
    if (!kind) return;
    const { namespace = '', name } = draft.metadata;
    const found = ctx.lookup.get(group, kind.resource, kind.namespaced ? namespace : '', name);
    // Where the port is may change from one start to the next; everything else is left as people have made it.
    if (found && kind.kind !== 'Endpoints' && kind.kind !== 'EndpointSlice') return;
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const path = kind.namespaced
      ? `${root}/namespaces/${namespace}/${kind.resource}`
      : `${root}/${kind.resource}`;
    const answer = found ? await send('PUT', `${path}/${name}`, draft) : await send('POST', path, draft);
    if (answer.kind === 'Status' && answer.status === 'Failure' && answer.reason !== 'AlreadyExists')
      throw new Error(`bootstrap: ${draft.kind} ${name}: ${answer.message ?? ''}`, {
        cause: ApiError.from(answer),
      });
  };
  await Promise.all(
    namespaces.map((name) => ensure({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  await Promise.all([
    ...(bootstrapRbac() as Draft[]).map(ensure),
    ensure(
      priorityClass(
        'system-cluster-critical',
        2_000_000_000,
        'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
      ),
    ),
    ensure(
      priorityClass(
        'system-node-critical',
        2_000_001_000,
        'Used for system critical pods that must not be moved from their current node.',
      ),
    ),
    ...apiService(options, serviceCidr).map(ensure),
  ]);
}

function neverHere(): never {
  throw new Error('a create was not answered with an object');
}
