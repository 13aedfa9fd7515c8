/** Objects for tests. */
import { createRegistry, type Schema } from '../src/index.ts';

export const registry = createRegistry();

/** The schema of a built-in kind. */
export function schemaOf(group: string, version: string, kind: string): Schema {
  const found = registry.byKind(group, version, kind);
  if (!found) throw new Error(`no kind ${kind}`);
  return found.schema;
}
export const podSchema = schemaOf('', 'v1', 'Pod');

/** A pod as a person writes it. */
export const pod = (): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'default', labels: { app: 'web' } },
  spec: {
    containers: [
      {
        name: 'web',
        image: 'nginx:1',
        ports: [{ containerPort: 80 }],
        env: [{ name: 'A', value: 'b' }],
        resources: { limits: { cpu: '1000m', memory: '1024Mi' } },
      },
    ],
  },
});
