import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KubeClient } from '../../../../sandbox/controllers/client.ts';
import { type KubeObject, resources } from '../../../../sandbox/controllers/objects.ts';
import { Reflector } from '../../../../sandbox/controllers/watch.ts';
import { eventually } from '../support.ts';

/** A server that answers lists from `objects` and each watch by the next of `watches`. */
let objects: KubeObject[] = [];
let watches: ((response: http.ServerResponse, version: string | null) => void)[] = [];
let lists = 0;
let versions: (string | null)[] = [];
let server: http.Server;
let client: KubeClient;
let reflector: Reflector<KubeObject>;
let seen: string[];

const object = (name: string, resourceVersion: string): KubeObject => ({
  metadata: { name, namespace: 'shop', uid: name, resourceVersion, creationTimestamp: '2026-11-21T00:00:00Z' },
});
const line = (type: string, item: unknown) => `${JSON.stringify({ type, object: item })}\n`;

beforeEach(async () => {
  [objects, watches, lists, versions, seen] = [[], [], 0, [], []];
  server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (url.searchParams.get('watch') !== 'true') {
      lists += 1;
      response.end(JSON.stringify({ metadata: { resourceVersion: String(lists * 100) }, items: objects }));
      return;
    }
    const version = url.searchParams.get('resourceVersion');
    versions.push(version);
    const next = watches.shift();
    if (next) next(response, version);
    else response.writeHead(200).flushHeaders();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromOptions({
    clusters: [{ name: 'c', server: url, skipTLSVerify: true }],
    users: [{ name: 'u', token: 't' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  client = new KubeClient(config, 'test');
  reflector = new Reflector({ client, resource: resources.configMaps });
  reflector.onChange(({ type, object: { metadata } }) =>
    seen.push(`${type} ${metadata.name}@${metadata.resourceVersion}`),
  );
});
afterEach(async () => {
  await reflector.stop();
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a watch that ends goes on from its last version, bookmarks included, without a list', async () => {
  objects = [object('a', '1')];
  watches = [
    (response) =>
      response.end(line('MODIFIED', object('a', '101')) + line('BOOKMARK', { metadata: { resourceVersion: '150' } })),
  ];
  await reflector.start();
  await eventually(async () => versions.length === 2);
  expect({ lists, versions, seen }).toEqual({
    lists: 1,
    versions: ['100', '150'],
    seen: ['added a@1', 'modified a@101'],
  });
});

test('a reset, a server error and a line cut in half are each followed by another watch', async () => {
  watches = [
    (response) => response.socket?.destroy(),
    (response) => response.writeHead(503).end('<html>'),
    (response) => response.end(line('ADDED', object('a', '101')) + line('ADDED', object('b', '102')).slice(0, 30)),
    (response) => response.end(line('ADDED', object('b', '102'))),
  ];
  await reflector.start();
  await eventually(async () => seen.length === 2);
  expect({ lists, seen }).toEqual({ lists: 1, seen: ['added a@101', 'added b@102'] });
  expect(versions.slice(0, 4)).toEqual(['100', '100', '100', '101']);
});

test.each([
  [
    'in the stream',
    (response: http.ServerResponse) => response.end(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
  ],
  ['as the answer', (response: http.ServerResponse) => response.writeHead(410).end('{"reason":"Expired"}')],
])('an expired version %s lists anew and reports what vanished', async (_where, expire) => {
  objects = [object('stays', '1'), object('goes', '2'), object('changes', '3')];
  watches = [expire];
  reflector.onChange(({ type }) => {
    if (type === 'added') objects = [object('stays', '1'), object('changes', '4'), object('comes', '5')];
  });
  await reflector.start();
  await eventually(async () => versions.length === 2);
  expect(versions).toEqual(['100', '200']);
  expect(seen.slice(3).sort()).toEqual(['added comes@5', 'deleted goes@2', 'modified changes@4', 'resync stays@1']);
});

test('a handler that throws stops nothing', async () => {
  objects = [object('a', '1')];
  reflector.onChange(() => {
    throw new Error('planted');
  });
  watches = [(response) => response.end(line('DELETED', object('a', '101')))];
  await reflector.start();
  await eventually(async () => seen.includes('deleted a@101'));
  expect(reflector.values()).toEqual([]);
});

test('a refresh shows what is there although the watch has not told it yet', async () => {
  objects = [object('stays', '1'), object('goes', '2')];
  await reflector.start();
  await eventually(async () => versions.length === 1);
  objects = [object('stays', '1'), object('comes', '3')];
  await reflector.refresh();
  expect(reflector.values().map(({ metadata }) => metadata.name)).toEqual(['stays', 'comes']);
  expect(seen.slice(2)).toEqual(['deleted goes@2', 'added comes@3']);
  await eventually(async () => versions.length === 2);
  expect(versions).toEqual(['100', '200']);
});

test('a refresh that is asked for during a list is answered by the next one', async () => {
  await reflector.start();
  const first = reflector.refresh();
  const second = reflector.refresh();
  objects = [object('a', '1')];
  await Promise.all([first, second]);
  expect(reflector.values()).toHaveLength(1);
});

test('a refresh of a reflector that stops does not hang', async () => {
  await reflector.start();
  const pending = reflector.refresh();
  await reflector.stop();
  await pending;
  await reflector.refresh();
});
