import net from 'node:net';

/** What a TCP proxy does to the bytes that pass. All off means a plain relay. */
export interface TcpFaults {
  /** Milliseconds that each chunk is held back, in each direction. */
  latencyMs: number;
  /** A connection is reset when more than this many bytes have passed it, both directions together. */
  resetAfterBytes: number;
  /** Nothing passes and nothing ends: what is sent waits until the network heals, as TCP would resend it. */
  blackHole: boolean;
  /** New connections are reset at once. */
  refuse: boolean;
}

const HEALTHY: Readonly<TcpFaults> = {
  latencyMs: 0,
  resetAfterBytes: Number.POSITIVE_INFINITY,
  blackHole: false,
  refuse: false,
};

export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  faults(): Readonly<TcpFaults>;
  /** Changes the faults given, also for connections that are open. */
  set(faults: Partial<TcpFaults>): void;
  /** All faults off; held bytes go on in their order. */
  heal(): void;
  /** Resets every open connection, on both sides. */
  cut(): void;
  /** Pairs of sockets that are open now. */
  connections(): number;
  close(): Promise<void>;
}

/** A relay on a free loopback port (or `port`) in front of `target`, whose network can be made bad while it runs. */
export async function startTcpProxy(target: { host: string; port: number }, port = 0): Promise<TcpProxy> {
  const faults: TcpFaults = { ...HEALTHY };
  const links = new Set<Link>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => {});
    if (faults.refuse) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, net.connect({ ...target, allowHalfOpen: true, noDelay: true }), faults);
    links.add(link);
    link.whenClosed(() => links.delete(link));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const link of links) link.reset();
  };
  const set = (changed: Partial<TcpFaults>) => {
    Object.assign(faults, changed);
    for (const link of links) link.faultsChanged();
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as net.AddressInfo).port,
    faults: () => ({ ...faults }),
    set,
    heal: () => set(HEALTHY),
    cut,
    connections: () => links.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

/** One client connection and its twin to the target. */
class Link {
  readonly #client: net.Socket;
  readonly #upstream: net.Socket;
  readonly #faults: Readonly<TcpFaults>;
  readonly #lanes: readonly [Lane, Lane];
  #bytes = 0;

  constructor(client: net.Socket, upstream: net.Socket, faults: Readonly<TcpFaults>) {
    this.#client = client;
    this.#upstream = upstream;
    this.#faults = faults;
    this.#lanes = [new Lane(client, upstream, faults, this.#count), new Lane(upstream, client, faults, this.#count)];
    // A connection that breaks on one side breaks on the other in the same way. The target refusing is such a break.
    client.on('error', () => upstream.resetAndDestroy());
    upstream.on('error', () => client.resetAndDestroy());
  }

  whenClosed(done: () => void): void {
    let open = 2;
    for (const socket of [this.#client, this.#upstream]) {
      socket.once('close', () => {
        open -= 1;
        if (open === 0) done();
      });
    }
  }

  faultsChanged(): void {
    for (const lane of this.#lanes) lane.advance();
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#upstream.resetAndDestroy();
  }

  /** False when the byte that breaks the connection is among these. */
  readonly #count = (bytes: number): boolean => {
    this.#bytes += bytes;
    if (this.#bytes <= this.#faults.resetAfterBytes) return true;
    this.reset();
    return false;
  };
}

interface Step {
  readonly due: number;
  readonly run: () => void;
}

/**
 * One direction of a link: a queue of steps (write this chunk, end) that only ever runs from its head, so a latency that
 * changes on the way reorders nothing. In a black hole the head waits, and a full queue stops the reading.
 */
class Lane {
  readonly #from: net.Socket;
  readonly #to: net.Socket;
  readonly #faults: Readonly<TcpFaults>;
  readonly #queue: Step[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: net.Socket, to: net.Socket, faults: Readonly<TcpFaults>, count: (bytes: number) => boolean) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    from.on('data', (chunk) => {
      if (count(chunk.length)) this.#later(() => this.#write(chunk));
    });
    from.on('end', () => this.#later(() => to.end()));
    from.on('close', () => {
      if (!from.readableEnded) this.#later(() => to.destroy());
    });
    to.on('close', () => {
      clearTimeout(this.#timer);
      this.#queue.length = 0;
      // After an orderly end the other lane may still hold bytes for `from`.
      if (!to.writableFinished) from.destroy();
    });
    to.on('drain', () => from.resume());
  }

  /** Runs what is due now; called when time has passed and when the faults have changed. */
  advance(): void {
    clearTimeout(this.#timer);
    while (!this.#faults.blackHole) {
      const [head] = this.#queue;
      if (head === undefined) break;
      const wait = Math.min(head.due - Date.now(), this.#faults.latencyMs);
      if (wait > 0) {
        this.#timer = setTimeout(() => this.advance(), wait);
        return;
      }
      this.#queue.shift();
      head.run();
    }
    if (!this.#faults.blackHole && !this.#to.writableNeedDrain) this.#from.resume();
  }

  #later(run: () => void): void {
    this.#queue.push({ due: Date.now() + this.#faults.latencyMs, run });
    if (this.#faults.blackHole) {
      this.#from.pause();
      return;
    }
    if (this.#queue.length === 1) this.advance();
  }

  #write(chunk: Buffer): void {
    if (!this.#to.writable) return;
    if (!this.#to.write(chunk)) this.#from.pause();
  }
}
