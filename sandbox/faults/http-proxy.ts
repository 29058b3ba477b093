import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, errorAnswer, garbageAnswer, throttleAnswer } from './kubernetes-answers.ts';
import type { FaultEffect, FaultPlan, FaultRule } from './plan.ts';

/** Answers that are kept for `stale-read`: as many GETs, and none larger. */
const KEPT_ANSWERS = 500;
const KEPT_BYTES = 1_000_000;

/** Headers that speak of one hop only. */
const HOP_HEADERS = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
]);

export interface HttpProxyOptions {
  /** https URL of kube-apiserver. */
  readonly target: string;
  /** PEM file of the authority of the target's certificate. */
  readonly caFile: string;
  /** Rules of the service `kubernetes` are applied. */
  readonly plan: FaultPlan;
  readonly port?: number;
}

export interface HttpProxy {
  /** http URL on loopback; clients keep their bearer tokens. */
  readonly url: string;
  readonly port: number;
  /** Requests that came so far, by method. */
  readonly requests: Readonly<Record<string, number>>;
  /** Resets every open connection, watches included. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * Plain HTTP in front of kube-apiserver, with faults before the request takes effect or after. Watches stream through; an
 * effect "after" strikes them when the first bytes have arrived. A target that cannot be reached shows as a reset.
 */
export async function startHttpProxy(options: HttpProxyOptions): Promise<HttpProxy> {
  const agent = new https.Agent({ keepAlive: true, ca: await readFile(options.caFile) });
  const stale = new Map<string, Answer>();
  const requests: Record<string, number> = {};
  const server = http.createServer((request, response) => {
    const { method = '' } = request;
    requests[method] = (requests[method] ?? 0) + 1;
    new Exchange(options, agent, stale, request, response).run().catch(() => resetClient(response));
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    cut,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
      agent.destroy();
    },
  };
}

/** One request on its way there and back. */
class Exchange {
  readonly #options: HttpProxyOptions;
  readonly #agent: https.Agent;
  readonly #stale: Map<string, Answer>;
  readonly #request: http.IncomingMessage;
  readonly #response: http.ServerResponse;
  readonly #url: string;

  constructor(
    options: HttpProxyOptions,
    agent: https.Agent,
    stale: Map<string, Answer>,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ) {
    this.#options = options;
    this.#agent = agent;
    this.#stale = stale;
    this.#request = request;
    this.#response = response;
    this.#url = request.url ?? '/';
  }

  async run(): Promise<void> {
    const body = await buffer(this.#request);
    const faults = this.#faults(body);
    const isStale = faults.some(({ effect }) => effect.kind === 'stale-read');
    const kept = this.#request.method === 'GET' && isStale ? this.#stale.get(this.#staleKey()) : undefined;
    for (const { effect } of faults.filter((rule) => rule.when !== 'after')) {
      if (await this.#strike(effect, undefined)) return;
    }
    if (kept !== undefined) return this.#answer(kept);
    const upstream = await this.#forward(body);
    const after = faults.filter((rule) => rule.when === 'after');
    if (this.#isWatch()) return this.#stream(upstream, after);
    const answer: Answer = {
      status: upstream.statusCode ?? 502,
      headers: endToEnd(upstream.headers),
      body: await buffer(upstream),
    };
    for (const { effect } of after) {
      if (await this.#strike(effect, answer)) return;
    }
    this.#keep(answer);
    this.#answer(answer);
  }

  #faults(body: Buffer): FaultRule[] {
    const path = this.#url.split('?')[0] ?? this.#url;
    const method = this.#request.method ?? 'GET';
    const text = `${readable(this.#url)} ${body.toString('utf8')}`;
    return this.#options.plan.match({ service: 'kubernetes', method, path, text });
  }

  /** True when the exchange ends here. `answer` is what the server said, undefined before it was asked. */
  async #strike(effect: FaultEffect, answer: Answer | undefined): Promise<boolean> {
    switch (effect.kind) {
      case 'latency':
        await delay(effect.ms);
        return false;
      case 'stale-read':
        return false; // decided in run, where the answer of before is known
      case 'throttle':
        this.#answer(throttleAnswer());
        return true;
      case 'error':
        this.#answer(errorAnswer(effect));
        return true;
      case 'garbage':
        this.#answer(garbageAnswer());
        return true;
      case 'reset':
        resetClient(this.#response);
        return true;
      case 'hang':
        return true;
      case 'truncate':
        if (answer === undefined) resetClient(this.#response);
        else this.#truncate(answer);
        return true;
    }
  }

  /** A watch has no end to wait for: latency holds its beginning back, everything else breaks it after the first bytes. */
  async #stream(upstream: http.IncomingMessage, after: readonly FaultRule[]): Promise<void> {
    const breaking = after.find(({ effect }) => effect.kind !== 'latency' && effect.kind !== 'stale-read');
    for (const { effect } of after) if (effect.kind === 'latency') await delay(effect.ms);
    this.#response.writeHead(upstream.statusCode ?? 502, endToEnd(upstream.headers));
    this.#response.flushHeaders();
    upstream.on('error', () => resetClient(this.#response));
    if (breaking === undefined) {
      upstream.pipe(this.#response);
      return;
    }
    upstream.once('data', (chunk: Buffer) => {
      upstream.destroy();
      if (breaking.effect.kind === 'hang') return;
      if (breaking.effect.kind !== 'truncate') return resetClient(this.#response);
      this.#response.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => this.#response.socket?.destroy());
    });
  }

  #forward(body: Buffer): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { ...endToEnd(this.#request.headers), host: new URL(this.#options.target).host };
      const upstream = https.request(new URL(this.#url, this.#options.target), {
        method: this.#request.method,
        agent: this.#agent,
        // A compressed body cannot be read by a person who looks at a stale or truncated answer.
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(body.length > 0 ? { 'content-length': body.length } : {}),
        },
      });
      upstream.on('response', resolve);
      upstream.on('error', reject);
      this.#response.on('close', () => upstream.destroy());
      upstream.end(body);
    });
  }

  #answer({ status, headers, body }: Answer): void {
    const { 'content-length': _length, ...rest } = headers;
    const hasBody = this.#request.method !== 'HEAD' && status !== 204 && status !== 304;
    this.#response.writeHead(status, hasBody ? { ...rest, 'content-length': body.length } : rest);
    this.#response.end(hasBody ? body : undefined);
  }

  #truncate({ status, headers, body }: Answer): void {
    this.#response.writeHead(status, { ...headers, 'content-length': body.length });
    this.#response.write(body.subarray(0, Math.floor(body.length / 2)), () => this.#response.socket?.destroy());
  }

  #isWatch(): boolean {
    const query = new URL(this.#url, 'http://x').searchParams;
    const isFollowedLog = query.get('follow') === 'true' || query.get('follow') === '1';
    return query.get('watch') === 'true' || query.get('watch') === '1' || isFollowedLog;
  }

  /** Remembers the answer of a read, of this caller only, as what a replica that lags behind would say next time. */
  #keep(answer: Answer): void {
    if (this.#request.method !== 'GET' || answer.body.length > KEPT_BYTES) return;
    const key = this.#staleKey();
    this.#stale.delete(key);
    this.#stale.set(key, answer);
    const [oldest] = this.#stale.keys();
    if (this.#stale.size > KEPT_ANSWERS && oldest !== undefined) this.#stale.delete(oldest);
  }

  #staleKey(): string {
    return `${this.#request.headers.authorization ?? ''} ${this.#request.headers.accept ?? ''} ${this.#url}`;
  }
}

/** For rules that people write: the URL without percent signs where that is possible. */
function readable(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll('+', ' '));
  } catch {
    return url;
  }
}

function resetClient(response: http.ServerResponse): void {
  const { socket } = response;
  if (socket !== null && !socket.destroyed) socket.resetAndDestroy();
}

function endToEnd(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)));
}
