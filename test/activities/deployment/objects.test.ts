import { readdir, readFile } from 'node:fs/promises';
import { KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../../domain/deployment/objects/kubernetes.ts';
import { testNamespace, testServers } from '../../support/servers.ts';

const golden = new URL('../../domain/deployment/objects/', import.meta.url);

async function goldenObjects(): Promise<KubernetesObject[]> {
  const files = (await readdir(golden)).filter((name) => name.endsWith('.yaml'));
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, golden), 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
}

test('the real API server takes every golden object as it is', async () => {
  const config = new KubeConfig();
  config.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const api = KubernetesObjectApi.makeApiClient(config);
  const namespace = await testNamespace();
  const objects = await goldenObjects();
  expect(objects.length).toBeGreaterThan(15);
  for (const object of objects) {
    const placed = { ...object, metadata: { ...object.metadata, namespace } };
    const taken = await api
      .patch(placed, undefined, 'All', 'groundwork', true, PatchStrategy.ServerSideApply)
      .catch((error: unknown) => {
        throw new Error(`${object.kind} ${object.metadata.name}: ${(error as { body?: string }).body ?? error}`);
      });
    expect(taken.metadata?.labels).toEqual(object.metadata.labels);
    // Nothing is filled in, so that what is put back is what was there.
    if (object.kind === 'HTTPRoute') expect((taken as typeof object).spec).toEqual(object.spec);
  }
});
