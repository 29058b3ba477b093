import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { AccessDenied, connectGroundwork } from '../../starter/client.ts';

afterEach(() => vi.unstubAllEnvs());

const UNAUTHENTICATED = '16';

test('credentials that the server refuses are told as such', async () => {
  const server = createServer().on('stream', (stream) => {
    const refusal = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'token expired' };
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('TEMPORAL_ADDRESS', address);
  try {
    const refused = await connectGroundwork().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AccessDenied);
    expect(refused).toMatchObject({ message: `Temporal denies to connect to ${address}: token expired` });
  } finally {
    server.close();
  }
});
