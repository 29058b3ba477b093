import { once } from 'node:events';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../../../sandbox/faults/tcp-proxy.ts';
import { eventually } from './support.ts';

let echo: net.Server;
let proxy: TcpProxy;
let received = 0;

beforeEach(async () => {
  received = 0;
  echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startTcpProxy({ host: '127.0.0.1', port: (echo.address() as net.AddressInfo).port });
});

afterEach(async () => {
  await proxy.close();
  await new Promise((done) => echo.close(done));
});

async function connect(): Promise<net.Socket> {
  const socket = net.connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

async function answerTo(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

const ended = (socket: net.Socket) =>
  once(socket, 'close').then(
    () => 'closed',
    (error: NodeJS.ErrnoException) => error.code,
  );

describe('a TCP proxy', () => {
  test('relays without faults, half-closes and all', async () => {
    const socket = await connect();
    const content = Buffer.alloc(3_000_000, 'abcdefg');
    const answer = buffer(socket);
    socket.end(content);
    expect((await answer).equals(content)).toBe(true);
    await eventually('the connection is forgotten', () => proxy.connections() === 0);
  });

  test('holds each direction back by the latency', async () => {
    proxy.set({ latencyMs: 60 });
    const socket = await connect();
    const sent = performance.now();
    expect(await answerTo(socket, 'ping')).toBe('ping');
    expect(performance.now() - sent).toBeGreaterThanOrEqual(115); // a lower bound: timers are never early by more
    socket.destroy();
  });

  test('keeps the order of bytes when the latency changes on the way', async () => {
    const content = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index % 251));
    proxy.set({ latencyMs: 80 });
    const socket = await connect();
    const answer = buffer(socket);
    for (let from = 0; from < content.length; from += 100_000) {
      socket.write(content.subarray(from, from + 100_000));
      await delay(10);
      proxy.set({ latencyMs: from % 200_000 === 0 ? 5 : 40 });
    }
    socket.end();
    expect((await answer).equals(content)).toBe(true);
  });

  test('resets a connection after so many bytes', async () => {
    proxy.set({ resetAfterBytes: 1_000 });
    const socket = await connect();
    socket.on('data', () => {});
    const end = ended(socket);
    socket.write(Buffer.alloc(900));
    await eventually('the first bytes pass', () => received === 900);
    expect(await end).toBe('ECONNRESET'); // the echo is what exceeds the limit
  });

  test('passes nothing through a black hole, and everything in order once it heals', async () => {
    const socket = await connect();
    expect(await answerTo(socket, 'before')).toBe('before');
    proxy.set({ blackHole: true });
    socket.write('held ');
    await delay(30);
    socket.write('back');
    await delay(50);
    expect(received).toBe('before'.length);
    const answers: Buffer[] = [];
    socket.on('data', (chunk) => answers.push(chunk));
    proxy.heal();
    await eventually('what was held arrives', () => Buffer.concat(answers).toString() === 'held back');
    socket.destroy();
  });

  test('refuses new connections and leaves open ones alone', async () => {
    const socket = await connect();
    proxy.set({ refuse: true });
    const refused = net.connect(proxy.port, proxy.host);
    expect(await ended(refused)).toBe('ECONNRESET');
    expect(await answerTo(socket, 'still here')).toBe('still here');
    proxy.heal();
    const next = await connect();
    expect(await answerTo(next, 'again')).toBe('again');
    next.destroy();
    socket.destroy();
  });

  test('cuts every open connection, and serves new ones', async () => {
    const sockets = [await connect(), await connect()];
    const ends = sockets.map(ended);
    proxy.cut();
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    const next = await connect();
    expect(await answerTo(next, 'again')).toBe('again');
    next.destroy();
  });

  test('breaks the connection when the target is not there', async () => {
    const nobody = await startTcpProxy({ host: '127.0.0.1', port: 1 });
    const socket = net.connect(nobody.port, nobody.host);
    expect(await ended(socket)).toBe('ECONNRESET');
    await nobody.close();
  });
});
