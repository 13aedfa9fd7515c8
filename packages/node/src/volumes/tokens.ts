/** Service account tokens for pods, asked for with TokenRequest and renewed before they end. */
import type { Client } from '@coracle/client';
import { type authentication_v1, type Pod, ServiceAccount } from '@coracle/machinery/api';
import type { Clock } from '@coracle/operator';

interface Held {
  token: string;
  /** Milliseconds. */
  issued: number;
  expires: number;
}
const day = 24 * 3600 * 1000;

export class TokenManager {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A token bound to the pod; renewed after 80 % of its life, or a day (kubelet's rule). */
  async token(pod: Pod, audience: string | undefined, expirationSeconds = 3600): Promise<string> {
    const key = `${pod.metadata.uid}/${audience ?? ''}/${expirationSeconds}`;
    const held = this.#held.get(key);
    const now = this.#clock.now();
    if (
      held !== undefined &&
      now < Math.min(held.issued + (held.expires - held.issued) * 0.8, held.issued + day)
    )
      return held.token;
    const answer = await this.#client.createSubresource<authentication_v1.TokenRequest>(
      ServiceAccount,
      pod.spec?.serviceAccountName ?? 'default',
      'token',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          audiences: audience === undefined || audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
        },
      },
      { namespace: pod.metadata.namespace },
    );
    const { token = '', expirationTimestamp } = answer.status ?? {};
    const expires =
      expirationTimestamp === undefined ? now + expirationSeconds * 1000 : Date.parse(expirationTimestamp);
    this.#held.set(key, { token, issued: now, expires });
    return token;
  }

  forget(podUid: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${podUid}/`)) this.#held.delete(key);
  }
}
