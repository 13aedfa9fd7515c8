/**
 * Defaults of pods and pod templates (core/v1 defaults and the conversions that act as such). What the schema's defaults
 * do (canonical quantities among them) is done before.
 */
import { parseQuantity } from '@coracle/machinery';
import type {
  Container,
  ContainerPort,
  EnvVar,
  HTTPGetAction,
  PodSpec,
  Probe,
  ResourceRequirements,
  Volume,
} from '@coracle/machinery/api';
import { fill, isPart, objects } from './fields.ts';
import { tokenProjection } from './token-projection.ts';

/** `latest` or no tag means always; a digest or another tag means when absent. */
export function defaultPullPolicy(image: string | undefined): string {
  if (typeof image !== 'string' || image === '' || image.includes('@')) return 'IfNotPresent';
  const last = image.slice(image.lastIndexOf('/') + 1);
  const tag = last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultRequirements(resources: ResourceRequirements | undefined): void {
  if (!isPart(resources)) return;
  if (!isPart(resources.limits) || Object.keys(resources.limits).length === 0) return;
  resources.requests ??= {};
  if (isPart(resources.requests)) resources.requests = { ...resources.limits, ...resources.requests };
}

function defaultHttpGet(action: HTTPGetAction | undefined): void {
  if (!isPart(action)) return;
  fill(action, 'path', '/');
  fill(action, 'scheme', 'HTTP');
}

function defaultProbe(probe: Probe | undefined): void {
  if (!isPart(probe)) return;
  if (!probe.timeoutSeconds) probe.timeoutSeconds = 1;
  if (!probe.periodSeconds) probe.periodSeconds = 10;
  if (!probe.successThreshold) probe.successThreshold = 1;
  if (!probe.failureThreshold) probe.failureThreshold = 3;
  defaultHttpGet(probe.httpGet);
  if (isPart(probe.grpc)) (probe.grpc as { service?: string }).service ??= '';
}

function defaultEnv(env: EnvVar[] | undefined): void {
  for (const variable of objects(env)) {
    const ref = variable.valueFrom?.fieldRef;
    if (isPart(ref)) fill(ref as { apiVersion?: string }, 'apiVersion', 'v1');
    const file = variable.valueFrom?.fileKeyRef;
    if (isPart(file)) (file as { optional?: boolean }).optional ??= false;
  }
}

function defaultPorts(ports: ContainerPort[] | undefined, hostNetwork: boolean): void {
  for (const port of objects(ports)) {
    fill(port, 'protocol', 'TCP');
    if (hostNetwork && !port.hostPort) port.hostPort = port.containerPort;
  }
}

/** Defaults of one container of any kind. */
function defaultContainer(container: Container, hostNetwork: boolean): void {
  fill(container, 'imagePullPolicy', defaultPullPolicy(container.image));
  fill(container, 'terminationMessagePath', '/dev/termination-log');
  fill(container, 'terminationMessagePolicy', 'File');
  container.resources ??= {};
  defaultRequirements(container.resources);
  defaultPorts(container.ports, hostNetwork);
  defaultEnv(container.env);
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  if (!isPart(container.lifecycle)) return;
  defaultHttpGet(container.lifecycle.preStop?.httpGet);
  defaultHttpGet(container.lifecycle.postStart?.httpGet);
}

const mode = 0o644;

function defaultDownward(
  items: { fieldRef?: { apiVersion?: string | undefined } | undefined }[] | undefined,
): void {
  for (const item of objects(items)) if (isPart(item.fieldRef)) fill(item.fieldRef, 'apiVersion', 'v1');
}

/** Defaults of one volume; a volume without a source is an emptyDir. */
function defaultVolume(volume: Volume): void {
  if (volume.projected === tokenProjection) return;
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (isPart(volume.secret)) volume.secret.defaultMode ??= mode;
  if (isPart(volume.configMap)) volume.configMap.defaultMode ??= mode;
  if (isPart(volume.downwardAPI)) {
    volume.downwardAPI.defaultMode ??= mode;
    defaultDownward(volume.downwardAPI.items);
  }
  if (isPart(volume.projected)) {
    volume.projected.defaultMode ??= mode;
    for (const source of objects(volume.projected.sources)) {
      if (isPart(source.serviceAccountToken)) source.serviceAccountToken.expirationSeconds ??= 3600;
      defaultDownward(source.downwardAPI?.items);
    }
  }
  if (isPart(volume.hostPath)) volume.hostPath.type ??= '';
  if (isPart(volume.iscsi)) fill(volume.iscsi, 'iscsiInterface', 'default');
  if (isPart(volume.rbd)) {
    fill(volume.rbd, 'pool', 'rbd');
    fill(volume.rbd, 'user', 'admin');
    fill(volume.rbd, 'keyring', '/etc/ceph/keyring');
  }
  if (isPart(volume.azureDisk)) {
    fill(volume.azureDisk, 'cachingMode', 'ReadWrite');
    fill(volume.azureDisk, 'kind', 'Shared');
    fill(volume.azureDisk, 'fsType', 'ext4');
    volume.azureDisk.readOnly ??= false;
  }
  if (isPart(volume.scaleIO)) {
    fill(volume.scaleIO, 'storageMode', 'ThinProvisioned');
    fill(volume.scaleIO, 'fsType', 'xfs');
  }
  if (isPart(volume.image)) fill(volume.image, 'pullPolicy', defaultPullPolicy(volume.image.reference));
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (isPart(claim)) fill(claim as { volumeMode?: string }, 'volumeMode', 'Filesystem');
}

const podLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/** Pod-level requests come from the containers' sum where they ask, else from the pod-level limits. */
function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec;
  if (!isPart(resources)) return;
  if (!isPart(resources.limits) || Object.keys(resources.limits).length === 0) return;
  const requests: Record<string, string> = { ...resources.requests };
  const names = new Set(
    objects(spec.containers).flatMap((container) => Object.keys(container.resources?.requests ?? {})),
  );
  for (const name of names) {
    if (!podLevel(name) || requests[name] !== undefined) continue;
    try {
      requests[name] = objects(spec.containers)
        .map((container) => parseQuantity(container.resources?.requests?.[name] ?? '0'))
        .reduce((sum, quantity) => sum.add(quantity))
        .toString();
    } catch {
      // A malformed quantity: the schema will say so.
    }
  }
  for (const [name, limit] of Object.entries(resources.limits)) if (podLevel(name)) requests[name] ??= limit;
  resources.requests = requests;
}

/** Every default of a pod spec. `template`: of a workload's template, where requests are not yet filled from limits. */
export function defaultPodSpec(spec: PodSpec, template: boolean): void {
  fill(spec, 'restartPolicy', 'Always');
  fill(spec, 'dnsPolicy', 'ClusterFirst');
  spec.terminationGracePeriodSeconds ??= 30;
  fill(spec, 'schedulerName', 'default-scheduler');
  spec.securityContext ??= {};
  if (!template) spec.enableServiceLinks ??= true;
  // The deprecated name follows the new one, as both are served.
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;

  const hostNetwork = !template && spec.hostNetwork === true;
  for (const list of [spec.initContainers, spec.containers, spec.ephemeralContainers] as const)
    for (const container of objects(list as Container[] | undefined)) {
      if (template) defaultTemplateContainer(container, hostNetwork);
      else defaultContainer(container, hostNetwork);
    }
  if (!template) defaultPodResources(spec);
  for (const volume of objects(spec.volumes)) defaultVolume(volume);
}

/** As defaultContainer, but requests stay as written: they are filled when a pod is made from the template. */
function defaultTemplateContainer(container: Container, hostNetwork: boolean): void {
  const { resources } = container;
  const requests = isPart(resources) ? resources.requests : undefined;
  const kept = requests && { ...requests };
  defaultContainer(container, hostNetwork);
  if (!isPart(container.resources)) return;
  if (kept === undefined) delete (container.resources as { requests?: unknown }).requests;
  else container.resources.requests = kept;
}
