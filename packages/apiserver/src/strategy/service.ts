/** Services: addresses and node ports from the cluster's ranges, and what changes of type keep and drop. */
import { isIP } from 'node:net';
import {
  ApiError,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  errors as apiErrors,
  type FieldError,
  portName,
  portNumber,
  qualifiedName,
  type Unstructured,
} from '@coracle/machinery';
import type { Service, ServicePort, ServiceSpec } from '@coracle/machinery/api';
import type { Strategy, StrategyContext } from '../contracts.ts';
import {
  duplicate,
  forbidden,
  immutable,
  invalid,
  isPart,
  labelProblems,
  named,
  notSupported,
  objects,
  oneOf,
  required,
  same,
  specOf,
  validSpec,
} from './fields.ts';

const headless = 'None';
const needsAddress = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName';
const needsNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
const mayHaveNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || spec.type === 'LoadBalancer';

function defaults(object: Unstructured): void {
  const spec = specOf<ServiceSpec>(object);
  if (!isPart(spec)) return;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None')
    delete (spec as { sessionAffinityConfig?: unknown }).sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const config = (spec.sessionAffinityConfig ??= {});
    if (isPart(config)) {
      config.clientIP ??= {};
      if (isPart(config.clientIP)) config.clientIP.timeoutSeconds ??= 10800;
    }
  }
  spec.type ||= 'ClusterIP';
  for (const port of objects(spec.ports)) {
    port.protocol ||= 'TCP';
    if (
      port.targetPort === undefined ||
      port.targetPort === null ||
      port.targetPort === '' ||
      port.targetPort === 0
    )
      port.targetPort = port.port;
  }
  defaultIpModes(object);
  if (mayHaveNodePorts(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** An address of a load balancer is a virtual one unless it says otherwise. The status may be a stored one: it is replaced. */
function defaultIpModes(object: Unstructured): void {
  const { status } = object as unknown as Service;
  const ingress = status?.loadBalancer?.ingress;
  if (specOf<ServiceSpec>(object)?.type !== 'LoadBalancer') return;
  if (!objects(ingress).some((one) => one.ip && one.ipMode == null)) return;
  const complete = objects(ingress).map((one) =>
    one.ip && one.ipMode == null ? { ...one, ipMode: 'VIP' } : one,
  );
  object['status'] = { ...status, loadBalancer: { ...status?.loadBalancer, ingress: complete } };
}

/** Runs one allocation; a refusal of the allocator is an error at `field`. */
function allocated<T>(object: Unstructured, field: string, wanted: unknown, take: () => T): T {
  try {
    return take();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw apiErrors.invalid({ group: '', kind: 'Service' }, object.metadata.name ?? '', [
      invalid(field, wanted, why),
    ]);
  }
}

/** Takes addresses and ports that are needed and not yet there. On failure gives back what this call has taken. */
function allocate(
  object: Unstructured,
  spec: ServiceSpec,
  old: ServiceSpec | undefined,
  context: StrategyContext,
): void {
  const taken: (string | number)[] = [];
  const keep = <T extends string | number>(value: T): T => {
    taken.push(value);
    return value;
  };
  try {
    if (needsAddress(spec)) {
      const wanted = spec.clusterIP || spec.clusterIPs?.[0] || '';
      if (wanted === headless) {
        spec.clusterIP = headless;
        spec.clusterIPs = [headless];
      } else if (!old || old.clusterIP !== wanted || wanted === '') {
        if (wanted === '' || isIP(wanted)) {
          const address = allocated(object, 'spec.clusterIPs', wanted ? [wanted] : null, () =>
            context.allocate.clusterIp(wanted || undefined),
          );
          spec.clusterIP = keep(address);
          spec.clusterIPs = [address];
        }
      } else spec.clusterIPs ??= [wanted];
      if (!spec.ipFamilies || spec.ipFamilies.length === 0) {
        const selectorless = spec.clusterIP === headless && Object.keys(spec.selector ?? {}).length === 0;
        spec.ipFamilies = selectorless && !spec.ipFamilyPolicy ? ['IPv4', 'IPv6'] : ['IPv4'];
        if (selectorless) spec.ipFamilyPolicy ||= 'RequireDualStack';
      }
      spec.ipFamilyPolicy ||= 'SingleStack';
    }
    if (mayHaveNodePorts(spec)) {
      const before = new Set(objects(old?.ports).map((port) => port.nodePort));
      const mine = new Map<number, string>();
      objects(spec.ports).forEach((port, index) => {
        if (port.nodePort) {
          // One number may serve TCP and UDP of the same service.
          if (!before.has(port.nodePort) && !mine.has(port.nodePort))
            keep(
              allocated(object, `spec.ports[${index}].nodePort`, port.nodePort, () =>
                context.allocate.nodePort(port.nodePort),
              ),
            );
        } else if (needsNodePorts(spec)) port.nodePort = keep(context.allocate.nodePort());
        if (port.nodePort) mine.set(port.nodePort, port.protocol ?? 'TCP');
      });
      if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && !spec.healthCheckNodePort)
        spec.healthCheckNodePort = keep(context.allocate.nodePort());
    }
  } catch (error) {
    for (const value of taken) context.allocate.release(value);
    // What is left on the object belongs to others: nothing of it may be released for this one.
    spec.clusterIP = '';
    spec.clusterIPs = [];
    spec.healthCheckNodePort = 0;
    for (const port of objects(spec.ports)) port.nodePort = 0;
    throw error;
  }
}

const key = (port: ServicePort): string => `${port.protocol}/${port.port}`;

/** An update that leaves allocated values out keeps them (clients that apply a manifest rely on it). */
function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsAddress(spec) && needsAddress(old)) {
    if (!spec.clusterIP && !(spec.clusterIPs ?? []).length) {
      spec.clusterIP = old.clusterIP;
      spec.clusterIPs = old.clusterIPs && [...old.clusterIPs];
    } else if (!spec.clusterIP) spec.clusterIP = spec.clusterIPs?.[0];
    else if (!(spec.clusterIPs ?? []).length)
      spec.clusterIPs =
        spec.clusterIP === old.clusterIP ? old.clusterIPs && [...old.clusterIPs] : [spec.clusterIP];
    if (!(spec.ipFamilies ?? []).length) spec.ipFamilies = old.ipFamilies && [...old.ipFamilies];
    spec.ipFamilyPolicy ||= old.ipFamilyPolicy;
  }
  if (mayHaveNodePorts(spec) && mayHaveNodePorts(old)) {
    const before = new Map(objects(old.ports).map((port) => [key(port), port.nodePort]));
    const used = new Set(objects(spec.ports).map((port) => port.nodePort));
    for (const port of objects(spec.ports)) {
      const known = before.get(key(port));
      if (!port.nodePort && known && !used.has(known)) port.nodePort = known;
    }
    if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer')
      spec.healthCheckNodePort ||= old.healthCheckNodePort;
  }
}

/** A change of type drops what the new type cannot have, unless the caller has changed it himself. */
function dropForType(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === old.type) return;
  if (needsAddress(old) && !needsAddress(spec)) {
    if (same(spec.clusterIP, old.clusterIP)) delete (spec as { clusterIP?: string }).clusterIP;
    if (same(spec.clusterIPs, old.clusterIPs)) delete (spec as { clusterIPs?: string[] }).clusterIPs;
    delete (spec as { ipFamilies?: string[] }).ipFamilies;
    delete (spec as { ipFamilyPolicy?: string }).ipFamilyPolicy;
    if (spec.internalTrafficPolicy === old.internalTrafficPolicy)
      delete (spec as { internalTrafficPolicy?: string }).internalTrafficPolicy;
  }
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(spec)) {
    const before = new Set(objects(old.ports).map((port) => port.nodePort));
    for (const port of objects(spec.ports))
      if (before.has(port.nodePort)) delete (port as { nodePort?: number }).nodePort;
    if (spec.externalTrafficPolicy === old.externalTrafficPolicy)
      delete (spec as { externalTrafficPolicy?: string }).externalTrafficPolicy;
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    delete (spec as { allocateLoadBalancerNodePorts?: boolean }).allocateLoadBalancerNodePorts;
    if (spec.healthCheckNodePort === old.healthCheckNodePort)
      delete (spec as { healthCheckNodePort?: number }).healthCheckNodePort;
    if (spec.loadBalancerClass === old.loadBalancerClass)
      delete (spec as { loadBalancerClass?: string }).loadBalancerClass;
  }
}

function portProblems(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  const isHeadless = spec.clusterIP === headless;
  if (ports.length === 0 && !isHeadless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  const names = new Set<string>();
  const pairs = new Set<string>();
  const nodePorts = new Set<string>();
  ports.forEach((port, index) => {
    const field = `spec.ports[${index}]`;
    if (!port.name && ports.length > 1) errors.push(required(`${field}.name`));
    else if (port.name) {
      errors.push(...named(`${field}.name`, port.name, dns1123Label));
      if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name));
      names.add(port.name);
    }
    const problem = portNumber(port.port);
    if (problem) errors.push(invalid(`${field}.port`, port.port, problem));
    if (!port.protocol) errors.push(required(`${field}.protocol`));
    else errors.push(...oneOf(`${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
    if (typeof port.targetPort === 'number') {
      const targetProblem = portNumber(port.targetPort);
      if (targetProblem) errors.push(invalid(`${field}.targetPort`, port.targetPort, targetProblem));
    } else if (typeof port.targetPort === 'string')
      errors.push(...named(`${field}.targetPort`, port.targetPort, portName));
    if (
      isHeadless &&
      typeof port.targetPort === 'number' &&
      port.port !== port.targetPort &&
      spec.selector === undefined
    )
      errors.push(
        invalid(
          `${field}.targetPort`,
          port.targetPort,
          "must be equal to the value of 'port' when clusterIP = None",
        ),
      );
    if (port.nodePort && !mayHaveNodePorts(spec))
      errors.push(forbidden(`${field}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) errors.push(duplicate(field, port));
    pairs.add(pair);
    if (port.nodePort) {
      const key = `${port.protocol}/${port.nodePort}`;
      if (nodePorts.has(key)) errors.push(duplicate(`${field}.nodePort`, port.nodePort));
      nodePorts.add(key);
    }
  });
  return errors;
}

function problems(object: Unstructured): FieldError[] {
  const spec = validSpec<ServiceSpec>(object);
  const errors: FieldError[] = [];
  errors.push(...oneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']));
  if (spec.type === 'LoadBalancer' && spec.clusterIP === headless)
    errors.push(
      invalid('spec.clusterIPs[0]', headless, "may not be set to 'None' for LoadBalancer services"),
    );
  if (spec.type === 'NodePort' && spec.clusterIP === headless)
    errors.push(invalid('spec.clusterIPs[0]', headless, "may not be set to 'None' for NodePort services"));
  if (spec.type === 'ExternalName') {
    if (spec.clusterIP)
      errors.push(forbidden('spec.clusterIPs[0]', 'may not be set for ExternalName services'));
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') errors.push(required('spec.externalName'));
    else errors.push(...named('spec.externalName', name, dns1123Subdomain));
  } else if (spec.clusterIP && spec.clusterIP !== headless && !isIP(spec.clusterIP))
    errors.push(
      invalid(
        'spec.clusterIPs[0]',
        spec.clusterIP,
        'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ),
    );
  errors.push(...portProblems(spec));
  errors.push(...labelProblems('spec.selector', spec.selector));
  errors.push(...oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']));
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity === 'ClientIP' && timeout != null && (timeout <= 0 || timeout > 86400))
    errors.push(
      invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        timeout,
        'must be greater than 0 and less than 86400',
      ),
    );
  (spec.externalIPs ?? []).forEach((ip, index) => {
    if (!isIP(ip))
      errors.push(
        invalid(
          `spec.externalIPs[${index}]`,
          ip,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
  });
  if (mayHaveNodePorts(spec))
    errors.push(...oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']));
  else if (spec.externalTrafficPolicy && (spec.externalIPs ?? []).length === 0)
    errors.push(
      invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    );
  errors.push(...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']));
  errors.push(
    ...oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, [
      'PreferDualStack',
      'RequireDualStack',
      'SingleStack',
    ]),
  );
  if (
    spec.trafficDistribution &&
    !['PreferClose', 'PreferSameNode', 'PreferSameZone'].includes(spec.trafficDistribution)
  )
    errors.push(
      notSupported('spec.trafficDistribution', spec.trafficDistribution, [
        'PreferClose',
        'PreferSameNode',
        'PreferSameZone',
      ]),
    );
  if (spec.loadBalancerClass) {
    if (spec.type !== 'LoadBalancer')
      errors.push(forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"));
    else errors.push(...named('spec.loadBalancerClass', spec.loadBalancerClass, qualifiedName));
  }
  if (spec.type !== 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== undefined)
    errors.push(
      forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"),
    );
  return errors;
}

export const services: Strategy = {
  defaults,
  nameProblem: dns1035Label,
  prepareForCreate(object, context) {
    const spec = specOf<ServiceSpec>(object);
    if (!isPart(spec)) return;
    allocate(object, spec, undefined, context);
    object['status'] = { loadBalancer: {} };
  },
  prepareForStatusUpdate: defaultIpModes,
  prepareForUpdate(object, oldObject, context) {
    const spec = specOf<ServiceSpec>(object);
    const old = validSpec<ServiceSpec>(oldObject);
    if (!isPart(spec)) return;
    keepAllocated(spec, old);
    dropForType(spec, old);
    // An address that is changed is refused by validation: do not take it from the range first.
    if (needsAddress(old) && needsAddress(spec) && spec.clusterIP && spec.clusterIP !== old.clusterIP) return;
    allocate(object, spec, needsAddress(old) || mayHaveNodePorts(old) ? old : undefined, context);
    if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') object['status'] = { loadBalancer: {} };
  },
  validate: problems,
  validateUpdate(object, oldObject) {
    const spec = validSpec<ServiceSpec>(object);
    const old = validSpec<ServiceSpec>(oldObject);
    const errors = problems(object);
    if (needsAddress(old) && needsAddress(spec) && old.clusterIP && spec.clusterIP !== old.clusterIP)
      errors.push(invalid('spec.clusterIPs[0]', [spec.clusterIP], 'may not change once set'));
    if (old.loadBalancerClass && spec.type === 'LoadBalancer' && old.type === 'LoadBalancer')
      errors.push(...immutable('spec.loadBalancerClass', spec.loadBalancerClass, old.loadBalancerClass));
    return errors;
  },
  fields: {
    'spec.clusterIP': (object) => validSpec<ServiceSpec>(object).clusterIP ?? '',
    'spec.type': (object) => validSpec<ServiceSpec>(object).type ?? '',
  },
  afterDelete(object, context) {
    const spec = validSpec<ServiceSpec>(object);
    if (spec.clusterIP && spec.clusterIP !== headless && isIP(spec.clusterIP))
      context.allocate.release(spec.clusterIP);
    for (const port of objects(spec.ports)) if (port.nodePort) context.allocate.release(port.nodePort);
    if (spec.healthCheckNodePort) context.allocate.release(spec.healthCheckNodePort);
  },
};
