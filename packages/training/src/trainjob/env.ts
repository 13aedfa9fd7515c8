import type { core_v1 } from '@coracle/machinery/api';

/** Sets variables of a container; one that is there keeps its place and gets the new value. */
export function setEnv(container: core_v1.Container, ...vars: readonly core_v1.EnvVar[]): void {
  const env = [...(container.env ?? [])];
  for (const item of vars) {
    const at = env.findIndex((e) => e.name === item.name);
    if (at < 0) env.push(item);
    else env[at] = item;
  }
  if (env.length > 0) container.env = env;
}

/** Sets only those variables that the container does not have. */
export function setMissingEnv(container: core_v1.Container, ...vars: readonly core_v1.EnvVar[]): void {
  const have = new Set((container.env ?? []).map((e) => e.name));
  setEnv(container, ...vars.filter((v) => !have.has(v.name)));
}

export function addPort(container: core_v1.Container, containerPort: number): void {
  if (container.ports?.some((p) => p.containerPort === containerPort)) return;
  container.ports = [...(container.ports ?? []), { containerPort, protocol: 'TCP' }];
}

export const value = (name: string, text: string | number): core_v1.EnvVar => ({ name, value: String(text) });
export const field = (name: string, fieldPath: string): core_v1.EnvVar => ({
  name,
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
});
