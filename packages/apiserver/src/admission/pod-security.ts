/**
 * Pod Security Standards, asked for by labels of the namespace (`pod-security.kubernetes.io/enforce: baseline`): enforce
 * refuses pods, warn tells the caller. Baseline and restricted, of the latest version.
 */
import type { Container, Pod, PodSpec, Volume } from '@coracle/machinery/api';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { about, type AdmissionDeps, containersOf, refuse } from './common.ts';

interface Violation {
  check: string;
  detail: string;
}
const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');
const plural = (word: string, names: readonly unknown[]): string => (names.length === 1 ? word : `${word}s`);
const containerText = (names: readonly string[]): string => `${plural('container', names)} ${quoted(names)}`;

function containersWith(containers: readonly Container[], test: (container: Container) => boolean): string[] {
  return containers.filter(test).map((container) => container.name);
}

const safeCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

function baseline(spec: PodSpec, containers: readonly Container[]): Violation[] {
  const found: Violation[] = [];
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => spec[key] === true);
  if (host.length > 0)
    found.push({ check: 'host namespaces', detail: host.map((key) => `${key}=true`).join(', ') });
  const privileged = containersWith(containers, (c) => c.securityContext?.privileged === true);
  if (privileged.length > 0)
    found.push({
      check: 'privileged',
      detail: `${containerText(privileged)} must not set securityContext.privileged=true`,
    });
  const capable = containers.filter((c) =>
    (c.securityContext?.capabilities?.add ?? []).some((name) => !safeCapabilities.has(name)),
  );
  if (capable.length > 0) {
    const names = capable.flatMap((c) =>
      (c.securityContext?.capabilities?.add ?? []).filter((name) => !safeCapabilities.has(name)),
    );
    found.push({
      check: 'non-default capabilities',
      detail: `${containerText(capable.map((c) => c.name))} must not include ${quoted([...new Set(names)].toSorted())} in securityContext.capabilities.add`,
    });
  }
  const paths = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name);
  if (paths.length > 0)
    found.push({ check: 'hostPath volumes', detail: `${plural('volume', paths)} ${quoted(paths)}` });
  const ports = containers.filter((c) => (c.ports ?? []).some((port) => port.hostPort));
  if (ports.length > 0) {
    const numbers = ports.flatMap((c) => (c.ports ?? []).map((port) => port.hostPort).filter(Boolean));
    found.push({
      check: 'hostPort',
      detail: `${containerText(ports.map((c) => c.name))} ${ports.length === 1 ? 'uses' : 'use'} ${plural('hostPort', numbers)} ${numbers.join(', ')}`,
    });
  }
  const unmasked = containersWith(containers, (c) => c.securityContext?.procMount === 'Unmasked');
  if (unmasked.length > 0)
    found.push({
      check: 'procMount',
      detail: `${containerText(unmasked)} must not set securityContext.procMount to "Unmasked"`,
    });
  const unconfined = containersWith(
    containers,
    (c) => c.securityContext?.seccompProfile?.type === 'Unconfined',
  );
  if (spec.securityContext?.seccompProfile?.type === 'Unconfined')
    found.push({
      check: 'seccompProfile',
      detail: 'pod must not set securityContext.seccompProfile.type to "Unconfined"',
    });
  else if (unconfined.length > 0)
    found.push({
      check: 'seccompProfile',
      detail: `${containerText(unconfined)} must not set securityContext.seccompProfile.type to "Unconfined"`,
    });
  const sysctls = (spec.securityContext?.sysctls ?? [])
    .map((one) => one.name)
    .filter((name) => !safeSysctls.has(name));
  if (sysctls.length > 0) found.push({ check: 'forbidden sysctls', detail: sysctls.join(', ') });
  return found;
}

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

const kindOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';

const confined = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

function restricted(spec: PodSpec, containers: readonly Container[]): Violation[] {
  const found = baseline(spec, containers);
  const pod = spec.securityContext;
  const escalating = containersWith(containers, (c) => c.securityContext?.allowPrivilegeEscalation !== false);
  if (escalating.length > 0)
    found.push({
      check: 'allowPrivilegeEscalation != false',
      detail: `${containerText(escalating)} must set securityContext.allowPrivilegeEscalation=false`,
    });
  const keeping = containersWith(
    containers,
    (c) => !(c.securityContext?.capabilities?.drop ?? []).includes('ALL'),
  );
  if (keeping.length > 0)
    found.push({
      check: 'unrestricted capabilities',
      detail: `${containerText(keeping)} must set securityContext.capabilities.drop=["ALL"]`,
    });
  const volumes = (spec.volumes ?? []).filter((volume) => !allowedVolumes.includes(kindOf(volume)));
  if (volumes.length > 0)
    found.push({
      check: 'restricted volume types',
      detail: `${plural('volume', volumes)} ${quoted(volumes.map((volume) => volume.name))} ${volumes.length === 1 ? 'uses' : 'use'} restricted volume ${plural('type', volumes)} ${quoted(volumes.map(kindOf))}`,
    });
  const rooting = containersWith(
    containers,
    (c) =>
      c.securityContext?.runAsNonRoot === false ||
      (c.securityContext?.runAsNonRoot !== true && pod?.runAsNonRoot !== true),
  );
  if (rooting.length > 0)
    found.push({
      check: 'runAsNonRoot != true',
      detail: `pod or ${containerText(rooting)} must set securityContext.runAsNonRoot=true`,
    });
  const zero = containersWith(containers, (c) => c.securityContext?.runAsUser === 0);
  if (pod?.runAsUser === 0) found.push({ check: 'runAsUser=0', detail: 'pod must not set runAsUser=0' });
  else if (zero.length > 0)
    found.push({ check: 'runAsUser=0', detail: `${containerText(zero)} must not set runAsUser=0` });
  const open = containersWith(
    containers,
    (c) => !confined(c.securityContext?.seccompProfile?.type ?? pod?.seccompProfile?.type),
  );
  if (open.length > 0 && !found.some((one) => one.check === 'seccompProfile'))
    found.push({
      check: 'seccompProfile',
      detail: `pod or ${containerText(open)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
    });
  return found;
}

const none: Violation[] = [];

/** The violations of a level by a pod; none for `privileged`. */
function podSecurityViolations(level: string, pod: Pod): { check: string; detail: string }[] {
  if (!pod.spec || level === 'privileged') return none;
  const containers = containersOf(pod);
  if (level === 'baseline') return baseline(pod.spec, containers);
  return level === 'restricted' ? restricted(pod.spec, containers) : [];
}

const text = (level: string, version: string, violations: readonly Violation[]): string =>
  `violates PodSecurity ${JSON.stringify(`${level}:${version}`)}: ${violations.map((one) => `${one.check} (${one.detail})`).join(', ')}`;

/** Resources whose objects hold a pod's template, by group. */
const templates = new Map([
  ['apps', new Set(['daemonsets', 'deployments', 'replicasets', 'statefulsets'])],
  ['batch', new Set(['jobs', 'cronjobs'])],
  ['', new Set(['replicationcontrollers', 'podtemplates'])],
]);

const labelled = 'pod-security.kubernetes.io/';
const levels = {
  enforce: { level: `${labelled}enforce`, version: `${labelled}enforce-version` },
  warn: { level: `${labelled}warn`, version: `${labelled}warn-version` },
};
const unlabelled: Record<string, string> = {};

export function podSecurity({ lookup, warn }: AdmissionDeps): AdmissionPlugin {
  function templateOf(request: AdmissionRequest): Pod | undefined {
    if (!templates.get(request.group)?.has(request.resource) || request.subresource) return undefined;
    const spec = request.object?.['spec'] as
      | Record<string, { spec?: unknown; template?: unknown }>
      | undefined;
    const inner = request.resource === 'cronjobs' ? (spec?.['jobTemplate']?.spec as typeof spec) : spec;
    return (request.resource === 'podtemplates' ? request.object?.['template'] : inner?.['template']) as
      | Pod
      | undefined;
  }
  return {
    name: 'PodSecurity',
    validate(request) {
      if (request.operation === 'DELETE' || request.namespace === '') return;
      const isPod = about(request, '', 'pods');
      const pod = isPod ? (request.object as unknown as Pod | undefined) : templateOf(request);
      if (!pod?.spec) return;
      const labels = lookup.get('', 'namespaces', '', request.namespace)?.metadata.labels ?? unlabelled;
      // Workloads are only warned about: their pods are what is refused.
      if (isPod) {
        const level = labels[levels.enforce.level] ?? 'privileged';
        const violations = podSecurityViolations(level, pod);
        if (violations.length > 0)
          throw refuse(request, text(level, labels[levels.enforce.version] ?? 'latest', violations));
      }
      if (!warn) return;
      const level = labels[levels.warn.level] ?? 'privileged';
      const violations = podSecurityViolations(level, pod);
      if (violations.length === 0) return;
      const said = text(level, labels[levels.warn.version] ?? 'latest', violations);
      warn(request, `would ${said.replace('violates', 'violate')}`);
    },
  };
}
