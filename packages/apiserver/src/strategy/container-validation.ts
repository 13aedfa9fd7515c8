/** What containers must be like (core/v1 validation), in upstream's words. */
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  envVarName,
  type FieldError,
  portName,
  portNumber,
  qualifiedName,
} from '@coracle/machinery';
import type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  LifecycleHandler,
  Probe,
  VolumeMount,
} from '@coracle/machinery/api';
import {
  checkName,
  checkOneOf,
  duplicate,
  forbidden,
  invalid,
  named,
  nonNegative,
  notFound,
  oneOf,
  required,
} from './fields.ts';
import { resourceProblems } from './resource-validation.ts';

/** What of the pod a container's checks need to know. */
export interface ContainerContext {
  /** Names of the pod's volumes. */
  volumes: ReadonlySet<string>;
  /** Names of volumes that are block-capable claims. */
  claims: ReadonlySet<string>;
  resourceClaims: ReadonlySet<string>;
}

const protocols = new Set(['SCTP', 'TCP', 'UDP']);
const propagations = new Set(['Bidirectional', 'HostToContainer', 'None']);
const pullPolicies = new Set(['Always', 'IfNotPresent', 'Never']);
const messagePolicies = new Set(['FallbackToLogsOnError', 'File']);

function portProblems(ports: readonly ContainerPort[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const field = `${at}[${index}]`;
    if (port.name) {
      errors.push(...named(`${field}.name`, port.name, portName));
      if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${field}.containerPort`));
    else {
      const problem = portNumber(port.containerPort);
      if (problem) errors.push(invalid(`${field}.containerPort`, port.containerPort, problem));
    }
    if (port.hostPort) {
      const problem = portNumber(port.hostPort);
      if (problem) errors.push(invalid(`${field}.hostPort`, port.hostPort, problem));
    }
    checkOneOf(errors, port, 'protocol', field, protocols);
  });
  return errors;
}

const downwardFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const downwardResources = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

/** `metadata.labels['key']` as well as the plain fields. */
export function fieldPathProblems(field: string, path: string, allowed: readonly string[]): FieldError[] {
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path);
  if (subscript) return named(field, subscript[2] ?? '', qualifiedName);
  return oneOf(field, path, allowed);
}

export function resourceFieldProblems(field: string, resource: string): FieldError[] {
  return /^(requests|limits)\.hugepages-/.test(resource)
    ? []
    : oneOf(`${field}.resource`, resource, downwardResources);
}

function envProblems(env: readonly EnvVar[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  env.forEach((variable, index) => {
    const field = `${at}[${index}]`;
    if (!variable.name) errors.push(required(`${field}.name`));
    else checkName(errors, variable, 'name', field, envVarName);
    const from = variable.valueFrom;
    if (!from) return;
    const sources = Object.values(from).filter((source) => source !== undefined && source !== null);
    const place = `${field}.valueFrom`;
    if (variable.value) {
      if (sources.length > 0)
        errors.push(invalid(place, '', 'may not be specified when `value` is not empty'));
    } else if (sources.length !== 1) {
      errors.push(
        invalid(
          place,
          '',
          sources.length === 0
            ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`'
            : 'may not have more than one field specified at a time',
        ),
      );
    }
    if (from.fieldRef) {
      if (!from.fieldRef.fieldPath) errors.push(required(`${place}.fieldRef.fieldPath`));
      else
        errors.push(
          ...fieldPathProblems(`${place}.fieldRef.fieldPath`, from.fieldRef.fieldPath, downwardFields),
        );
    }
    if (from.resourceFieldRef)
      errors.push(...resourceFieldProblems(`${place}.resourceFieldRef`, from.resourceFieldRef.resource));
    for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
      const ref = from[kind];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${place}.${kind}.name`));
      if (!ref.key) errors.push(required(`${place}.${kind}.key`));
      else errors.push(...named(`${place}.${kind}.key`, ref.key, configMapKey));
    }
  });
  return errors;
}

function envFromProblems(sources: readonly EnvFromSource[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  sources.forEach((source, index) => {
    const field = `${at}[${index}]`;
    if (source.prefix) errors.push(...named(`${field}.prefix`, source.prefix, envVarName));
    const refs = [source.configMapRef, source.secretRef].filter(Boolean);
    if (refs.length === 0)
      errors.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (refs.length > 1)
      errors.push(invalid(field, '', 'may not have more than one field specified at a time'));
    for (const kind of ['configMapRef', 'secretRef'] as const) {
      const ref = source[kind];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${field}.${kind}.name`));
      else errors.push(...named(`${field}.${kind}.name`, ref.name, dns1123Subdomain));
    }
  });
  return errors;
}

function mountProblems(mounts: readonly VolumeMount[], context: ContainerContext, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  mounts.forEach((mount, index) => {
    const field = `${at}[${index}]`;
    if (!mount.name) errors.push(required(`${field}.name`));
    else if (!context.volumes.has(mount.name)) errors.push(notFound(`${field}.name`, mount.name));
    if (!mount.mountPath) errors.push(required(`${field}.mountPath`));
    else if (paths.has(mount.mountPath))
      errors.push(invalid(`${field}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr)
      errors.push(
        invalid(`${field}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
      );
    if (mount.subPath) errors.push(...localPathProblems(`${field}.subPath`, mount.subPath));
    if (mount.subPathExpr) errors.push(...localPathProblems(`${field}.subPathExpr`, mount.subPathExpr));
    checkOneOf(errors, mount, 'mountPropagation', field, propagations);
  });
  return errors;
}

/** A path inside a volume: relative, without `..`. */
export function localPathProblems(field: string, path: string | undefined): FieldError[] {
  if (!path) return [];
  if (path.startsWith('/')) return [invalid(field, path, 'must be a relative path')];
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

function portRefProblems(field: string, port: unknown): FieldError[] {
  if (typeof port === 'number') {
    const problem = portNumber(port);
    return problem ? [invalid(field, port, problem)] : [];
  }
  return typeof port === 'string' ? named(field, port, portName) : [required(field)];
}

function handlerProblems(handler: LifecycleHandler & Probe, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const kinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
  const chosen = kinds.filter((kind) => handler[kind] !== undefined && handler[kind] !== null);
  if (chosen.length === 0) errors.push(required(at, 'must specify a handler type'));
  for (const extra of chosen.slice(1))
    errors.push(forbidden(`${at}.${extra}`, 'may not specify more than 1 handler type'));
  if (handler.exec && (handler.exec.command ?? []).length === 0) errors.push(required(`${at}.exec.command`));
  if (handler.httpGet) {
    errors.push(...portRefProblems(`${at}.httpGet.port`, handler.httpGet.port));
    errors.push(...oneOf(`${at}.httpGet.scheme`, handler.httpGet.scheme, ['HTTP', 'HTTPS']));
    (handler.httpGet.httpHeaders ?? []).forEach((header, index) => {
      if (!/^[-A-Za-z0-9]+$/.test(header.name))
        errors.push(
          invalid(
            `${at}.httpGet.httpHeaders[${index}]`,
            header.name,
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
          ),
        );
    });
  }
  if (handler.tcpSocket) errors.push(...portRefProblems(`${at}.tcpSocket.port`, handler.tcpSocket.port));
  if (handler.grpc) errors.push(...portRefProblems(`${at}.grpc.port`, handler.grpc.port));
  return errors;
}

function probeProblems(probe: Probe | undefined, at: string, successMustBeOne: boolean): FieldError[] {
  if (!probe) return [];
  const errors = handlerProblems(probe as LifecycleHandler & Probe, at);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    errors.push(...nonNegative(`${at}.${key}`, probe[key]));
  if (successMustBeOne && (probe.successThreshold ?? 1) !== 1)
    errors.push(invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1'));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace !== null && grace <= 0)
    errors.push(invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  return errors;
}

function securityProblems(container: Container, at: string): FieldError[] {
  const context = container.securityContext;
  if (!context) return [];
  const errors: FieldError[] = [];
  for (const key of ['runAsUser', 'runAsGroup'] as const) {
    const id = context[key];
    if (typeof id === 'number' && (id < 0 || id > 2147483647))
      errors.push(invalid(`${at}.${key}`, id, 'must be between 0 and 2147483647, inclusive'));
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true)
      errors.push(
        invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'),
      );
    if ((context.capabilities?.add ?? []).some((name) => /^(CAP_)?SYS_ADMIN$/.test(name)))
      errors.push(
        invalid(
          at,
          context,
          'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
        ),
      );
  }
  errors.push(...oneOf(`${at}.procMount`, context.procMount, ['Default', 'Unmasked']));
  errors.push(
    ...oneOf(`${at}.seccompProfile.type`, context.seccompProfile?.type, [
      'Localhost',
      'RuntimeDefault',
      'Unconfined',
    ]),
  );
  return errors;
}

/** Checks shared by containers and init containers. */
function commonProblems(container: Container, context: ContainerContext, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${at}.name`));
  else checkName(errors, container, 'name', at, dns1123Label);
  if (!container.image) errors.push(required(`${at}.image`));
  else if (container.image.trim() !== container.image)
    errors.push(invalid(`${at}.image`, container.image, 'must not have leading or trailing whitespace'));
  checkOneOf(errors, container, 'terminationMessagePolicy', at, messagePolicies);
  if (container.ports) errors.push(...portProblems(container.ports, `${at}.ports`));
  if (container.env) errors.push(...envProblems(container.env, `${at}.env`));
  if (container.envFrom) errors.push(...envFromProblems(container.envFrom, `${at}.envFrom`));
  if (container.volumeMounts)
    errors.push(...mountProblems(container.volumeMounts, context, `${at}.volumeMounts`));
  checkOneOf(errors, container, 'imagePullPolicy', at, pullPolicies);
  errors.push(...resourceProblems(container.resources, `${at}.resources`));
  (container.resources?.claims ?? []).forEach((claim, index) => {
    if (!context.resourceClaims.has(claim.name))
      errors.push(notFound(`${at}.resources.claims[${index}].name`, claim.name));
  });
  if (container.securityContext) errors.push(...securityProblems(container, `${at}.securityContext`));
  (container.resizePolicy ?? []).forEach((policy, index) => {
    const field = `${at}.resizePolicy[${index}]`;
    errors.push(...oneOf(`${field}.resourceName`, policy.resourceName, ['cpu', 'memory']));
    errors.push(
      ...oneOf(`${field}.restartPolicy`, policy.restartPolicy, ['NotRequired', 'RestartContainer']),
    );
  });
  return errors;
}

/** A regular container. */
export function containerProblems(container: Container, context: ContainerContext, at: string): FieldError[] {
  const errors = commonProblems(container, context, at);
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[hook];
    if (handler)
      errors.push(...handlerProblems(handler as LifecycleHandler & Probe, `${at}.lifecycle.${hook}`));
  }
  const { livenessProbe, readinessProbe, startupProbe } = container;
  if (livenessProbe) errors.push(...probeProblems(livenessProbe, `${at}.livenessProbe`, true));
  if (readinessProbe) errors.push(...probeProblems(readinessProbe, `${at}.readinessProbe`, false));
  if (startupProbe) errors.push(...probeProblems(startupProbe, `${at}.startupProbe`, true));
  return errors;
}

/** An init container: probes and hooks only if it is a sidecar (restartPolicy Always). */
export function initContainerProblems(
  container: Container,
  context: ContainerContext,
  at: string,
): FieldError[] {
  if (container.restartPolicy === 'Always') return containerProblems(container, context, at);
  const errors = commonProblems(container, context, at);
  const why = 'may not be set for init containers without restartPolicy=Always';
  for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    if (container[key]) errors.push(forbidden(`${at}.${key}`, why));
  return errors;
}
