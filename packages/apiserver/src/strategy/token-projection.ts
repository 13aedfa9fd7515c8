/** What the volume with a service account's token consists of. */
import { deepFreeze } from '@coracle/machinery';
import type { Volume } from '@coracle/machinery/api';

/** Complete and valid. The same in every pod, so it is the same value: frozen, and shared by all of them. */
export const tokenProjection: NonNullable<Volume['projected']> = deepFreeze({
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
});
