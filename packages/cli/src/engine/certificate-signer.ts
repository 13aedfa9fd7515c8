/**
 * Signs approved CertificateSigningRequests for the API server's client signers with the engine's own authority. It lives here
 * because only the engine holds the key; upstream's csrsigning controller is its model.
 */
import { type Pki, signRequest } from '@coracle/apiserver';
import { type Client, retryOnConflict } from '@coracle/client';
import { formatTime } from '@coracle/machinery';
import { CertificateSigningRequest } from '@coracle/machinery/api';
import {
  type Clock,
  type Component,
  createController,
  type InformerFactory,
  type Logger,
} from '@coracle/operator';

export interface CertificateSignerDeps {
  client: Client;
  informers: InformerFactory;
  clock: Clock;
  logger: Logger;
  authority: Pki['authority'];
  now: () => Date;
}

/** Make it before the informers' factory is started. */
export function certificateSigner(deps: CertificateSignerDeps): Component {
  const { client, informers, authority, now } = deps;
  const requests = informers.informer(CertificateSigningRequest);
  const controller = createController(deps, {
    name: 'csrsigning-controller',
    workers: 1,
    async reconcile(name) {
      const request = requests.get(name);
      const signing = request && signRequest(request, authority, now());
      if (!request || !signing) return;
      const time = formatTime(now());
      const status =
        'certificate' in signing
          ? { ...request.status, certificate: Buffer.from(signing.certificate).toString('base64') }
          : {
              ...request.status,
              conditions: [
                ...(request.status?.conditions ?? []),
                {
                  type: 'Failed',
                  status: 'True',
                  reason: 'SignerValidationFailure',
                  message: signing.refused,
                  lastUpdateTime: time,
                  lastTransitionTime: time,
                },
              ],
            };
      await retryOnConflict(() =>
        client.update(CertificateSigningRequest, { ...request, status }, { subresource: 'status' }),
      );
    },
  });
  const enqueue = (request: CertificateSigningRequest): void => controller.queue.add(request.metadata.name);
  requests.on({ add: enqueue, update: (_, after) => enqueue(after) });
  return controller;
}
