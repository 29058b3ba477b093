import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FaultPlan, FaultRule } from './faults/plan.ts';
import type { TcpFaults, TcpProxy } from './faults/tcp-proxy.ts';

/** What can be made to fail in a sandbox that another process runs. */
export interface FaultState {
  readonly rules: readonly FaultRule[];
  readonly applied: readonly unknown[];
  /** By name: `postgres`, `temporal`. */
  readonly tcp: Readonly<Record<string, TcpFaults>>;
}

/** A command for `POST /faults`. */
export type FaultCommand =
  | { readonly kind: 'add'; readonly rule: FaultRule }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'clear' }
  | { readonly kind: 'tcp'; readonly proxy: string; readonly faults: Partial<TcpFaults> }
  | { readonly kind: 'cut'; readonly proxy: string };

/**
 * The door for `groundwork sandbox faults`: GET answers the state, POST takes one command and answers the state after it.
 * Only JSON is taken, so that no web page can post to it; a wrong command is answered 400 with one line.
 */
export async function startControl(
  plan: FaultPlan,
  proxies: Readonly<Record<string, TcpProxy>>,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = http.createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body, infinityAsNull));
    };
    try {
      if (request.method === 'POST') {
        if (request.headers['content-type'] !== 'application/json')
          return answer(415, { error: 'send application/json' });
        execute(JSON.parse(await text(request)) as FaultCommand, plan, proxies);
      }
      answer(200, stateOf(plan, proxies));
    } catch (error) {
      answer(400, { error: error instanceof Error ? error.message : String(error) });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/faults`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Sends a command to the control door of a running sandbox, or only asks for the state. */
export async function control(url: string, command?: FaultCommand): Promise<FaultState> {
  const response = await fetch(url, {
    ...(command === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(command) }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = (await response.json()) as FaultState & { error?: string };
  if (!response.ok) throw new Error(body.error ?? `the sandbox answered ${response.status}`);
  return body;
}

function execute(command: FaultCommand, plan: FaultPlan, proxies: Readonly<Record<string, TcpProxy>>): void {
  switch (command.kind) {
    case 'add':
      plan.add(command.rule);
      return;
    case 'remove':
      if (!plan.remove(command.id)) throw new Error(`there is no fault ${command.id}`);
      return;
    case 'clear':
      plan.clear();
      for (const proxy of Object.values(proxies)) proxy.heal();
      return;
    case 'tcp':
      proxyNamed(proxies, command.proxy).set(checkedTcpFaults(command.faults));
      return;
    case 'cut':
      proxyNamed(proxies, command.proxy).cut();
      return;
    default:
      throw new Error(`unknown command ${JSON.stringify((command as { kind?: unknown }).kind)}`);
  }
}

function proxyNamed(proxies: Readonly<Record<string, TcpProxy>>, name: string): TcpProxy {
  const proxy = Object.hasOwn(proxies, name) ? proxies[name] : undefined;
  if (proxy === undefined) throw new Error(`no proxy ${name}; there are ${Object.keys(proxies).join(', ') || 'none'}`);
  return proxy;
}

/** `resetAfterBytes: null` is how JSON says "never". */
function checkedTcpFaults(faults: Partial<Record<keyof TcpFaults, unknown>>): Partial<TcpFaults> {
  const checked: Partial<TcpFaults> = {};
  for (const [name, value] of Object.entries(faults)) {
    if (name === 'latencyMs' && typeof value === 'number' && value >= 0) checked.latencyMs = value;
    else if (name === 'resetAfterBytes' && value === null) checked.resetAfterBytes = Number.POSITIVE_INFINITY;
    else if (name === 'resetAfterBytes' && typeof value === 'number' && value >= 0) checked.resetAfterBytes = value;
    else if ((name === 'blackHole' || name === 'refuse') && typeof value === 'boolean') checked[name] = value;
    else throw new Error(`${name}: ${JSON.stringify(value)} is not a fault of a TCP proxy`);
  }
  return checked;
}

function stateOf(plan: FaultPlan, proxies: Readonly<Record<string, TcpProxy>>): FaultState {
  const tcp = Object.fromEntries(Object.entries(proxies).map(([name, proxy]) => [name, proxy.faults()]));
  return { rules: plan.rules(), applied: plan.applied(), tcp };
}

function infinityAsNull(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? null : value;
}
