/** What pod specs must be like, in pods and in templates (core/v1 validation). */
import {
  dns1123Label,
  dns1123Subdomain,
  type FieldError,
  portNumber,
  qualifiedName,
} from '@coracle/machinery';
import type { Container, PodSpec, PodTemplateSpec } from '@coracle/machinery/api';
import { type ContainerContext, containerProblems, initContainerProblems } from './container-validation.ts';
import {
  checkName,
  checkOneOf,
  duplicate,
  forbidden,
  invalid,
  labelProblems,
  named,
  nonNegative,
  oneOf,
  required,
} from './fields.ts';
import { resourceProblems } from './resource-validation.ts';
import {
  affinityProblems,
  nodeNameProblems,
  spreadProblems,
  tolerationProblems,
} from './scheduling-validation.ts';
import { volumeProblems } from './volume-validation.ts';

const dnsPolicies = new Set(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']);
const restartPolicies = new Set(['Always', 'Never', 'OnFailure']);
const preemptionPolicies = new Set(['Never', 'PreemptLowerPriority']);
const inclusive = 'must be between 1 and 2147483647, inclusive';

function duplicatePorts(containers: readonly Container[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  containers.forEach((container, index) => {
    (container.ports ?? []).forEach((port, position) => {
      if (!port.hostPort) return;
      const key = `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (seen.has(key)) errors.push(duplicate(`${at}[${index}].ports[${position}].hostPort`, key));
      seen.add(key);
    });
  });
  return errors;
}

function hostNetworkPorts(containers: readonly Container[], at: string): FieldError[] {
  return containers.flatMap((container, index) =>
    (container.ports ?? []).flatMap((port, position) =>
      port.hostPort && port.hostPort !== port.containerPort && portNumber(port.containerPort) === undefined
        ? [
            invalid(
              `${at}[${index}].ports[${position}].hostPort`,
              port.hostPort,
              'must match `containerPort` when `hostNetwork` is true',
            ),
          ]
        : [],
    ),
  );
}

function dnsProblems(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = [];
  checkOneOf(errors, spec, 'dnsPolicy', at, dnsPolicies);
  const servers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === 'None' && servers.length === 0)
    errors.push(
      required(
        `${at}.dnsConfig.nameservers`,
        `must provide at least one DNS nameserver when \`dnsPolicy\` is None`,
      ),
    );
  if (servers.length > 3)
    errors.push(invalid(`${at}.dnsConfig.nameservers`, servers, 'must not have more than 3 nameservers'));
  return errors;
}

function securityProblems(spec: PodSpec, at: string): FieldError[] {
  const context = spec.securityContext;
  if (!context) return [];
  const errors: FieldError[] = [];
  for (const key of ['runAsUser', 'runAsGroup', 'fsGroup'] as const) {
    const id = context[key];
    if (typeof id === 'number' && (id < 0 || id > 2147483647))
      errors.push(invalid(`${at}.${key}`, id, 'must be between 0 and 2147483647, inclusive'));
  }
  (context.supplementalGroups ?? []).forEach((id, index) => {
    if (id < 0 || id > 2147483647)
      errors.push(
        invalid(`${at}.supplementalGroups[${index}]`, id, 'must be between 0 and 2147483647, inclusive'),
      );
  });
  const sysctls = new Set<string>();
  (context.sysctls ?? []).forEach((sysctl, index) => {
    const field = `${at}.sysctls[${index}].name`;
    if (!sysctl.name) errors.push(required(field));
    else if (!/^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9]$/.test(sysctl.name))
      errors.push(
        invalid(
          field,
          sysctl.name,
          'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9]$',
        ),
      );
    else if (sysctls.has(sysctl.name)) errors.push(duplicate(field, sysctl.name));
    sysctls.add(sysctl.name);
  });
  errors.push(
    ...oneOf(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
  );
  errors.push(
    ...oneOf(`${at}.seccompProfile.type`, context.seccompProfile?.type, [
      'Localhost',
      'RuntimeDefault',
      'Unconfined',
    ]),
  );
  return errors;
}

function claimProblems(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  (spec.resourceClaims ?? []).forEach((claim, index) => {
    const field = `${at}[${index}]`;
    errors.push(...named(`${field}.name`, claim.name, dns1123Label));
    if (names.has(claim.name)) errors.push(duplicate(`${field}.name`, claim.name));
    names.add(claim.name);
    if (claim.resourceClaimName && claim.resourceClaimTemplateName)
      errors.push(
        invalid(
          field,
          claim,
          'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
        ),
      );
    if (!claim.resourceClaimName && !claim.resourceClaimTemplateName)
      errors.push(
        invalid(field, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'),
      );
  });
  return errors;
}

function gateProblems(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  (spec.schedulingGates ?? []).forEach((gate, index) => {
    errors.push(...named(`${at}[${index}]`, gate.name, qualifiedName));
    if (seen.has(gate.name)) errors.push(duplicate(`${at}[${index}]`, gate.name));
    seen.add(gate.name);
  });
  return errors;
}

/** Every problem of a pod spec at path `at`. */
export function podSpecProblems(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = spec.volumes ?? [];
  if (volumes.length > 0) errors.push(...volumeProblems(volumes, `${at}.volumes`));
  const context: ContainerContext = {
    volumes: new Set(volumes.map((volume) => volume.name)),
    claims: new Set(
      volumes
        .filter((volume) => volume.persistentVolumeClaim ?? volume.ephemeral)
        .map((volume) => volume.name),
    ),
    resourceClaims: new Set((spec.resourceClaims ?? []).map((claim) => claim.name)),
  };
  const containers = spec.containers ?? [];
  const names = new Set<string>();
  if (containers.length === 0) errors.push(required(`${at}.containers`));
  const unique = (list: readonly Container[], path: string): void =>
    list.forEach((container, index) => {
      if (!container.name) return;
      if (names.has(container.name)) errors.push(duplicate(`${at}.${path}[${index}].name`, container.name));
      names.add(container.name);
    });
  unique(containers, 'containers');
  containers.forEach((container, index) =>
    errors.push(...containerProblems(container, context, `${at}.containers[${index}]`)),
  );
  if (spec.initContainers) {
    unique(spec.initContainers, 'initContainers');
    spec.initContainers.forEach((container, index) =>
      errors.push(...initContainerProblems(container, context, `${at}.initContainers[${index}]`)),
    );
  }
  if (spec.ephemeralContainers)
    unique(spec.ephemeralContainers as unknown as Container[], 'ephemeralContainers');
  errors.push(...duplicatePorts(containers, `${at}.containers`));
  checkOneOf(errors, spec, 'restartPolicy', at, restartPolicies);
  errors.push(...dnsProblems(spec, at));
  if (spec.nodeSelector) errors.push(...labelProblems(`${at}.nodeSelector`, spec.nodeSelector));
  errors.push(...securityProblems(spec, `${at}.securityContext`));
  if (spec.hostNetwork) {
    errors.push(...hostNetworkPorts(containers, `${at}.containers`));
    errors.push(...hostNetworkPorts(spec.initContainers ?? [], `${at}.initContainers`));
  }
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      invalid(
        `${at}.shareProcessNamespace`,
        true,
        'ShareProcessNamespace and HostPID cannot both be enabled',
      ),
    );
  checkName(errors, spec, 'serviceAccountName', at, dns1123Subdomain);
  if (spec.nodeName !== undefined) errors.push(...nodeNameProblems(`${at}.nodeName`, spec.nodeName));
  if (spec.affinity) errors.push(...affinityProblems(spec.affinity, `${at}.affinity`));
  if (spec.tolerations) errors.push(...tolerationProblems(spec.tolerations, `${at}.tolerations`));
  if (spec.topologySpreadConstraints)
    errors.push(...spreadProblems(spec.topologySpreadConstraints, `${at}.topologySpreadConstraints`));
  checkName(errors, spec, 'schedulerName', at, dns1123Subdomain);
  checkName(errors, spec, 'priorityClassName', at, dns1123Subdomain);
  checkOneOf(errors, spec, 'preemptionPolicy', at, preemptionPolicies);
  checkName(errors, spec, 'hostname', at, dns1123Label);
  checkName(errors, spec, 'subdomain', at, dns1123Label);
  errors.push(...nonNegative(`${at}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds));
  const deadline = spec.activeDeadlineSeconds;
  if (typeof deadline === 'number' && (deadline < 1 || deadline > 2147483647))
    errors.push(invalid(`${at}.activeDeadlineSeconds`, deadline, inclusive));
  (spec.hostAliases ?? []).forEach((alias, index) =>
    (alias.hostnames ?? []).forEach((name, position) =>
      errors.push(...named(`${at}.hostAliases[${index}].hostnames[${position}]`, name, dns1123Subdomain)),
    ),
  );
  if (spec.os) errors.push(...oneOf(`${at}.os.name`, spec.os.name, ['linux', 'windows']));
  if (spec.resourceClaims) errors.push(...claimProblems(spec, `${at}.resourceClaims`));
  if (spec.schedulingGates) errors.push(...gateProblems(spec, `${at}.schedulingGates`));
  if (spec.resources) errors.push(...resourceProblems(spec.resources, `${at}.resources`));
  checkName(errors, spec, 'runtimeClassName', at, dns1123Subdomain);
  (spec.readinessGates ?? []).forEach((gate, index) =>
    errors.push(...named(`${at}.readinessGates[${index}].conditionType`, gate.conditionType, qualifiedName)),
  );
  return errors;
}

/** A template's labels, annotations and spec; ephemeral containers are for running pods only. */
export function podTemplateProblems(template: PodTemplateSpec | undefined, at: string): FieldError[] {
  const errors = labelProblems(`${at}.labels`, template?.metadata?.labels);
  for (const key of Object.keys(template?.metadata?.annotations ?? {}))
    errors.push(...named(`${at}.annotations`, key, qualifiedName));
  errors.push(...podSpecProblems(template?.spec ?? { containers: [] }, `${at}.spec`));
  if ((template?.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(
      forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'),
    );
  return errors;
}
