/** Writes of a scheduler that leads no more must not reach the server: the next leader's decisions rest on their absence. */
import { ConnectionError, type Transport } from '@coracle/client';

export interface Fence {
  readonly transport: Transport;
  /** Ends the writes that are under way, too, as far as they can be ended. */
  cut(): void;
}

/** A transport that lets reads pass, and writes only while `open()`. Closing it is its owner's. */
export function fenced(transport: Transport, open: () => boolean): Fence {
  const over = new AbortController();
  const refused = (): ConnectionError =>
    new ConnectionError('this scheduler does not lead any more: nothing was sent');
  return {
    cut: () => over.abort(refused()),
    transport: {
      async call(call) {
        if (call.method === 'GET') return transport.call(call);
        if (over.signal.aborted || !open()) throw refused();
        const signal = call.signal ? AbortSignal.any([call.signal, over.signal]) : over.signal;
        return transport.call({ ...call, signal });
      },
      upgrade: (path, query, io) => transport.upgrade(path, query, io),
      forward: (path, query, port, signal) => transport.forward(path, query, port, signal),
      close: async () => {},
    },
  };
}
