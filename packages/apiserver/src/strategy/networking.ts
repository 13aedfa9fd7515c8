/** Ingresses, network policies, and the addresses of services as objects. */
import { isIP } from 'node:net';
import {
  dns1123Subdomain,
  type FieldError,
  labelSelectorProblems,
  portNumber,
  type Unstructured,
} from '@coracle/machinery';
import type { networking_v1 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  forbidden,
  immutable,
  invalid,
  isPart,
  named,
  notSupported,
  objects,
  oneOf,
  required,
  specOf,
  validSpec,
} from './fields.ts';

function backendProblems(backend: networking_v1.IngressBackend | undefined, at: string): FieldError[] {
  if (!backend) return [];
  const { service, resource } = backend;
  if (service && resource) return [invalid(at, '', 'cannot set both resource and service backends')];
  if (resource || !service) return resource ? [] : [required(at, 'resource or service backend is required')];
  const errors: FieldError[] = [];
  if (!service.name) errors.push(required(`${at}.service.name`));
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(invalid(at, '', 'cannot set both port name & port number'));
  else if (number) {
    const problem = portNumber(number);
    if (problem) errors.push(invalid(`${at}.service.port.number`, number, problem));
  } else if (!name) errors.push(required(at, 'port name or number is required'));
  return errors;
}

function ingressProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<networking_v1.IngressSpec>(object);
  const errors: FieldError[] = [];
  if ((spec.rules ?? []).length === 0 && !spec.defaultBackend)
    errors.push(invalid('spec', spec.rules ?? [], 'either `defaultBackend` or `rules` must be specified'));
  errors.push(...backendProblems(spec.defaultBackend, 'spec.defaultBackend'));
  (spec.rules ?? []).forEach((rule, index) => {
    const field = `spec.rules[${index}]`;
    if (rule.host) errors.push(...named(`${field}.host`, rule.host.replace(/^\*\./, ''), dns1123Subdomain));
    const paths = rule.http?.paths;
    if (rule.http && (paths ?? []).length === 0) errors.push(required(`${field}.http.paths`));
    (paths ?? []).forEach((path, at) => {
      const place = `${field}.http.paths[${at}]`;
      if (!path.pathType) errors.push(required(`${place}.pathType`, 'pathType must be specified'));
      else if (path.pathType === 'Exact' || path.pathType === 'Prefix') {
        if (!path.path?.startsWith('/'))
          errors.push(invalid(`${place}.path`, path.path ?? '', 'must be an absolute path'));
      } else if (path.pathType === 'ImplementationSpecific') {
        if (path.path && !path.path.startsWith('/'))
          errors.push(invalid(`${place}.path`, path.path, 'must be an absolute path'));
      } else
        errors.push(
          notSupported(`${place}.pathType`, path.pathType, ['Exact', 'ImplementationSpecific', 'Prefix']),
        );
      errors.push(...backendProblems(path.backend, `${place}.backend`));
    });
  });
  return errors;
}

export const ingresses: Strategy = {
  prepareForCreate(object) {
    object['status'] = { loadBalancer: {} };
  },
  validate: ingressProblems,
  validateUpdate: ingressProblems,
};

export const ingressClasses: Strategy = {
  defaults(object) {
    const parameters = specOf<networking_v1.IngressClassSpec>(object)?.parameters;
    if (isPart(parameters)) parameters.scope ??= 'Cluster';
  },
  validateUpdate: (object, old) =>
    immutable(
      'spec.controller',
      validSpec<networking_v1.IngressClassSpec>(object).controller,
      validSpec<networking_v1.IngressClassSpec>(old).controller,
    ),
};

function policyProblems(object: Unstructured): FieldError[] {
  const spec = validSpec<networking_v1.NetworkPolicySpec>(object);
  const errors = labelSelectorProblems(spec.podSelector, 'spec.podSelector');
  const check = (
    ports: networking_v1.NetworkPolicyPort[] | undefined,
    peers: networking_v1.NetworkPolicyPeer[] | undefined,
    field: string,
    peerKey: string,
  ): void => {
    (ports ?? []).forEach((port, at) => {
      errors.push(...oneOf(`${field}.ports[${at}].protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
      if (typeof port.port === 'number') {
        const problem = portNumber(port.port);
        if (problem) errors.push(invalid(`${field}.ports[${at}].port`, port.port, problem));
        if (port.endPort != null && port.endPort < port.port)
          errors.push(
            invalid(`${field}.ports[${at}].endPort`, port.endPort, 'must be greater than or equal to `port`'),
          );
      }
    });
    (peers ?? []).forEach((peer, at) => {
      const place = `${field}.${peerKey}[${at}]`;
      if (!peer.podSelector && !peer.namespaceSelector && !peer.ipBlock)
        errors.push(required(place, 'must specify a peer'));
      if (peer.ipBlock && (peer.podSelector ?? peer.namespaceSelector))
        errors.push(forbidden(place, 'may not specify both ipBlock and another peer'));
      errors.push(...labelSelectorProblems(peer.podSelector, `${place}.podSelector`));
      errors.push(...labelSelectorProblems(peer.namespaceSelector, `${place}.namespaceSelector`));
    });
  };
  (spec.ingress ?? []).forEach((rule, index) =>
    check(rule.ports, rule.from, `spec.ingress[${index}]`, 'from'),
  );
  (spec.egress ?? []).forEach((rule, index) => check(rule.ports, rule.to, `spec.egress[${index}]`, 'to'));
  (spec.policyTypes ?? []).forEach((type, index) =>
    errors.push(...oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress'])),
  );
  return errors;
}

export const networkPolicies: Strategy = {
  defaults(object) {
    const spec = specOf<networking_v1.NetworkPolicySpec>(object);
    if (!isPart(spec)) return;
    spec.podSelector ??= {};
    for (const rule of [...objects(spec.ingress), ...objects(spec.egress)])
      for (const port of objects(rule.ports)) port.protocol ??= 'TCP';
    if (!Array.isArray(spec.policyTypes) || spec.policyTypes.length === 0)
      spec.policyTypes = objects(spec.egress).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate: policyProblems,
  validateUpdate: policyProblems,
};

/** The form an address has when it is printed: `::1`, not `0:0::1`. */
function canonicalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  return version === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1);
}

export const ipAddresses: Strategy = {
  nameProblem: (name) =>
    canonicalAddress(name) === name ? undefined : 'must be a valid IP address in canonical form',
  validate(object) {
    const parent = validSpec<Partial<networking_v1.IPAddressSpec>>(object).parentRef;
    if (!parent) return [required('spec.parentRef')];
    const errors: FieldError[] = [];
    if (!parent.resource) errors.push(required('spec.parentRef.resource'));
    if (!parent.name) errors.push(required('spec.parentRef.name'));
    return errors;
  },
  validateUpdate: (object, old) =>
    immutable(
      'spec.parentRef',
      validSpec<Partial<networking_v1.IPAddressSpec>>(object).parentRef,
      validSpec<Partial<networking_v1.IPAddressSpec>>(old).parentRef,
    ),
};

export const serviceCidrs: Strategy = {
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate(object) {
    const cidrs = validSpec<networking_v1.ServiceCIDRSpec>(object).cidrs ?? [];
    if (cidrs.length === 0) return [required('spec.cidrs', 'at least one CIDR required')];
    if (cidrs.length > 2) return [invalid('spec.cidrs', cidrs, 'may only hold up to 2 values')];
    return cidrs.flatMap((cidr, index) => {
      const [address = '', bits = ''] = cidr.split('/');
      const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
      return /^\d{1,3}$/.test(bits) && Number(bits) <= most
        ? []
        : [
            invalid(
              `spec.cidrs[${index}]`,
              cidr,
              'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
            ),
          ];
    });
  },
  validateUpdate: (object, old) =>
    immutable(
      'spec.cidrs',
      validSpec<networking_v1.ServiceCIDRSpec>(object).cidrs,
      validSpec<networking_v1.ServiceCIDRSpec>(old).cidrs,
    ),
};
