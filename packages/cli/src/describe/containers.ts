import type { Container, ContainerState, ContainerStatus, EnvVar, Probe } from '@coracle/machinery/api';
import { time } from './common.ts';
import { lines, map, type Part, parts, type Value } from './text.ts';

/** Containers of a pod (with their states) or of a template (without). */
export function containersPart(
  label: string,
  containers: readonly Container[] | undefined,
  statuses?: readonly ContainerStatus[],
): Part {
  if (!containers?.length) return [label, undefined];
  return [
    label,
    parts(
      containers.map((container): Part => {
        const status = statuses?.find(({ name }) => name === container.name);
        return [container.name, parts([...shape(container), ...(status ? state(status) : [])])];
      }),
    ),
  ];
}

function shape(container: Container): Part[] {
  const { resources, ports, command, args } = container;
  return [
    ['Image', container.image],
    [
      'Ports',
      ports?.length ? ports.map((p) => `${p.containerPort}/${p.protocol ?? 'TCP'}`).join(', ') : undefined,
    ],
    ['Command', command?.length ? lines(command) : undefined],
    ['Args', args?.length ? lines(args) : undefined],
    ['Working Dir', container.workingDir],
    ['Limits', resources?.limits ? map(resources.limits, ': ') : undefined],
    ['Requests', resources?.requests ? map(resources.requests, ': ') : undefined],
    ['Liveness', probe(container.livenessProbe)],
    ['Readiness', probe(container.readinessProbe)],
    ['Startup', probe(container.startupProbe)],
    ['Environment', environment(container)],
    [
      'Mounts',
      container.volumeMounts?.length
        ? lines(
            container.volumeMounts.map((m) => `${m.mountPath} from ${m.name} (${m.readOnly ? 'ro' : 'rw'})`),
          )
        : undefined,
    ],
  ];
}

function state(status: ContainerStatus): Part[] {
  return [
    ['Container ID', status.containerID],
    ...stateParts('State', status.state),
    ...stateParts('Last State', status.lastState),
    ['Ready', status.ready ? 'True' : 'False'],
    ['Restart Count', status.restartCount],
  ];
}

function stateParts(label: string, state: ContainerState | undefined): Part[] {
  if (state?.running)
    return [
      [label, 'Running'],
      ['Started', time(state.running.startedAt)],
    ];
  if (state?.waiting) {
    const { reason, message } = state.waiting;
    return [[label, `Waiting${reason ? ` (${reason})` : ''}${message ? `: ${message}` : ''}`]];
  }
  if (!state?.terminated) return label === 'State' ? [[label, 'Waiting']] : [];
  const { reason, exitCode, signal, startedAt, finishedAt, message } = state.terminated;
  return [
    [label, `Terminated${reason ? ` (${reason})` : ''}`],
    ['Exit Code', `${exitCode}${signal ? ` (signal ${signal})` : ''}`],
    ['Message', message ? { lines: message.trimEnd().split('\n') } : undefined],
    ['Started', time(startedAt)],
    ['Finished', time(finishedAt)],
  ];
}

function environment({ env, envFrom }: Container): Value {
  const texts = [
    ...(envFrom ?? []).map(({ configMapRef, secretRef, prefix }) => {
      const from = configMapRef ? `ConfigMap ${configMapRef.name}` : `Secret ${secretRef?.name}`;
      return `all of ${from}${prefix ? ` with prefix ${prefix}` : ''}`;
    }),
    ...(env ?? []).map((variable) => `${variable.name}: ${variableValue(variable)}`),
  ];
  return texts.length > 0 ? lines(texts) : undefined;
}

function variableValue({ value, valueFrom }: EnvVar): string {
  if (!valueFrom) return value ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return `(${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `(${resourceFieldRef.resource})`;
  if (configMapKeyRef) return `<key "${configMapKeyRef.key}" of config map "${configMapKeyRef.name}">`;
  if (secretKeyRef) return `<key "${secretKeyRef.key}" of secret "${secretKeyRef.name}">`;
  return '<from elsewhere>';
}

function probe(p: Probe | undefined): Value {
  if (!p) return undefined;
  const what = p.exec
    ? `exec ${(p.exec.command ?? []).join(' ')}`
    : p.httpGet
      ? `http-get ${(p.httpGet.scheme ?? 'HTTP').toLowerCase()}://${p.httpGet.host ?? ''}:${p.httpGet.port}${p.httpGet.path ?? '/'}`
      : p.tcpSocket
        ? `tcp-socket :${p.tcpSocket.port}`
        : p.grpc
          ? `grpc :${p.grpc.port}`
          : 'unknown';
  return `${what} delay=${p.initialDelaySeconds ?? 0}s timeout=${p.timeoutSeconds ?? 1}s period=${p.periodSeconds ?? 10}s #success=${p.successThreshold ?? 1} #failure=${p.failureThreshold ?? 3}`;
}
