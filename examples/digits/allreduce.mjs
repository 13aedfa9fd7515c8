/**
 * A ring all-reduce over TCP: every worker ends with the sum of all workers' arrays, and each link carries only
 * 2 (N - 1) / N of one array, however many workers there are (P. Patarasuk, X. Yuan, 2009).
 *
 * Rendezvous: worker 0 listens at MASTER_ADDR:MASTER_PORT; the others tell it where they listen and get the list of all.
 * Then each worker connects to the next one (rank + 1) and is connected to by the one before it.
 */
import { lookup } from 'node:dns/promises';
import { createServer, connect } from 'node:net';
import { hostname } from 'node:os';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const joinSeconds = 120;

/** Joins the group named by the environment. With WORLD_SIZE 1 nothing is opened. */
export async function joinGroup(env = process.env) {
  const rank = Number(env.RANK ?? 0);
  const size = Number(env.WORLD_SIZE ?? 1);
  if (size === 1) return new Ring(0, 1);
  const masterPort = Number(env.MASTER_PORT ?? 29500);
  const masterAddress = env.MASTER_ADDR ?? '127.0.0.1';

  // Where the worker before us reaches us: our own address, never all interfaces.
  const own =
    rank === 0
      ? await resolve(masterAddress)
      : (env.POD_IP ?? (await resolve(hostname()).catch(() => '127.0.0.1')));
  const ring = createServer();
  ring.listen(0, own);
  await once(ring, 'listening');
  const previous = once(ring, 'connection').then(([socket]) => socket);

  const me = { host: own, port: ring.address().port };
  const peers =
    rank === 0
      ? await gather(me, size, own, masterPort)
      : await announce(me, rank, masterAddress, masterPort);
  const next = await dial(peers[(rank + 1) % size]);
  const result = new Ring(rank, size, next, await previous);
  ring.close();
  return result;
}

/** Worker 0: collects where each worker listens, then tells all. */
async function gather(me, size, host, port) {
  const peers = [me];
  const sockets = [];
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  await new Promise((done) => {
    server.on('connection', async (socket) => {
      const { rank, ...peer } = JSON.parse(await readLine(socket));
      peers[rank] = peer;
      sockets.push(socket);
      if (sockets.length === size - 1) done();
    });
  });
  for (const socket of sockets) socket.end(`${JSON.stringify(peers)}\n`);
  server.close();
  return peers;
}

async function announce(me, rank, host, port) {
  const socket = await dial({ host, port });
  socket.write(`${JSON.stringify({ rank, ...me })}\n`);
  const peers = JSON.parse(await readLine(socket));
  socket.destroy();
  return peers;
}

async function readLine(socket) {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text;
}

/** Connects, trying again while the other side is not up yet (it may be starting, or its name not known yet). */
async function dial({ host, port }) {
  const deadline = Date.now() + joinSeconds * 1000;
  for (;;) {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (Date.now() > deadline) {
        throw new Error(`no answer from ${host}:${port} in ${joinSeconds} s`, { cause: error });
      }
      await sleep(50);
    }
  }
}

async function resolve(name) {
  return (await lookup(name, { family: 4 })).address;
}

class Ring {
  #next;
  #previous;
  #waiting;
  #received = [];
  #bytes = 0;

  constructor(rank, size, next, previous) {
    this.rank = rank;
    this.size = size;
    this.#next = next;
    this.#previous = previous;
    for (const socket of [next, previous]) {
      socket?.on('error', (error) => this.#lost(error));
    }
    previous?.on('close', () => this.#lost(new Error(`worker ${(rank + size - 1) % size} left the ring`)));
    previous?.on('data', (chunk) => {
      this.#received.push(chunk);
      this.#bytes += chunk.length;
      this.#waiting?.();
    });
  }

  #lost(error) {
    if (this.closed) return;
    console.error(`all-reduce: ${error.message}`);
    process.exit(1);
  }

  /** Adds up `array` over all workers, in place. Every worker must call it with an array of the same length. */
  async sum(array) {
    const { rank, size } = this;
    if (size === 1) return array;
    const cuts = Array.from({ length: size + 1 }, (_, i) => Math.floor((i * array.length) / size));
    const part = (i) => {
      const at = ((i % size) + size) % size;
      return array.subarray(cuts[at], cuts[at + 1]);
    };
    // Reduce-scatter: after size - 1 steps part rank + 1 holds the whole sum here.
    for (let step = 0; step < size - 1; step += 1) {
      this.#send(part(rank - step));
      const into = part(rank - step - 1);
      const other = await this.#receive(into.length);
      for (let i = 0; i < into.length; i += 1) into[i] += other[i];
    }
    // All-gather: the finished parts go round once.
    for (let step = 0; step < size - 1; step += 1) {
      this.#send(part(rank + 1 - step));
      const into = part(rank - step);
      into.set(await this.#receive(into.length));
    }
    return array;
  }

  #send(part) {
    // A copy: the part is overwritten while the socket may still hold it.
    this.#next.write(new Uint8Array(part.slice().buffer));
  }

  async #receive(length) {
    const need = length * 4;
    while (this.#bytes < need) {
      await new Promise((wake) => {
        this.#waiting = wake;
      });
    }
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    this.#received = all.length > need ? [all.subarray(need)] : [];
    this.#bytes -= need;
    const copy = new Uint8Array(need);
    copy.set(all.subarray(0, need));
    return new Float32Array(copy.buffer);
  }

  close() {
    this.closed = true;
    this.#next?.end();
    this.#previous?.destroySoon();
  }
}
