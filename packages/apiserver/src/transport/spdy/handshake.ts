/**
 * How a client asks for SPDY, and what it is told. Plainly, as client-go's SPDY executor and kubectl before 1.31 do:
 *   Connection: Upgrade / Upgrade: SPDY/3.1 / X-Stream-Protocol-Version: one or more, best first
 * or inside a WebSocket (kubectl port-forward from 1.31 on), by the subprotocol `SPDY/3.1+portforward.k8s.io`.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { execProtocols } from './exec-session.ts';
import { portForwardProtocol } from './port-session.ts';

export const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`;

/** Does this upgrade ask for SPDY itself? */
export const asksForSpdy = (headers: IncomingHttpHeaders): boolean =>
  (headers.upgrade ?? '').toLowerCase().includes('spdy/3.1');

/** The first protocol that the client names and we speak on this kind of path, or those we do. */
export function negotiate(
  headers: IncomingHttpHeaders,
  portForward: boolean,
): { protocol: string } | { asked: string[]; spoken: string[] } {
  const asked = [headers['x-stream-protocol-version'] ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const spoken = portForward ? [portForwardProtocol] : execProtocols;
  const protocol = asked.find((name) => spoken.includes(name));
  return protocol === undefined ? { asked, spoken } : { protocol };
}

/** The head of the answer that switches protocols. */
export const switching = (protocol: string): string =>
  [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${protocol}`,
    '\r\n',
  ].join('\r\n');
