import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CustomObjectsApi, KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

const FIELD_MANAGER = 'groundwork-sandbox';
const ESTABLISHED_MS = 15_000;

/** The objects of YAML files and of folders of such files; a path that is absent adds none. */
export async function readManifests(paths: readonly string[]): Promise<KubernetesObject[]> {
  const files = (await Promise.all(paths.map(yamlFiles))).flat();
  const objects: KubernetesObject[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      const [error] = document.errors;
      if (error !== undefined) throw new Error(`${file}: ${error.message}`);
      const object = document.toJS() as KubernetesObject | null;
      if (object !== null) objects.push(...(isList(object) ? object.items : [object]));
    }
  }
  return objects;
}

/**
 * Applies the objects with the rights of the kubeconfig: namespaces and definitions first, and what is left only when
 * every definition is served. Server-side apply, so a second time changes nothing.
 */
export async function applyManifests(kubeconfigFile: string, objects: readonly KubernetesObject[]): Promise<void> {
  if (objects.length === 0) return;
  const {
    CustomObjectsApi: CustomApi,
    KubeConfig,
    KubernetesObjectApi: ObjectApi,
    loadYaml,
    PatchStrategy,
  } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigFile);
  const api = ObjectApi.makeApiClient(config);
  const apply = async (object: KubernetesObject) => {
    try {
      // Its own reader gives the client's names to fields like `default` and `enum`; by any other name it drops them.
      const named = loadYaml<KubernetesObject>(JSON.stringify(object));
      await api.patch(named, undefined, undefined, FIELD_MANAGER, true, PatchStrategy.ServerSideApply);
    } catch (error) {
      throw new Error(`cannot apply ${object.kind} ${object.metadata?.name}: ${messageOf(error)}`, { cause: error });
    }
  };
  const isFirst = ({ kind }: KubernetesObject) => kind === 'Namespace' || kind === 'CustomResourceDefinition';
  await Promise.all(objects.filter(isFirst).map(apply));
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const custom = config.makeApiClient(CustomApi);
  await Promise.all(
    (definitions as Definition[]).map(async (definition) => {
      await established(api, definition);
      await served(custom, definition);
    }),
  );
  for (const object of objects.filter((candidate) => !isFirst(candidate))) await apply(object);
}

interface Definition extends KubernetesObject {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

interface WithConditions extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { type: string; status: string; message?: string }[] };
}

async function established(api: KubernetesObjectApi, definition: KubernetesObject): Promise<void> {
  const deadline = Date.now() + ESTABLISHED_MS;
  const name = definition.metadata?.name ?? '';
  for (;;) {
    const current = (await api.read({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
    })) as WithConditions;
    const conditions = current.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    const refused = conditions.find(({ type, status }) => type === 'NamesAccepted' && status === 'False');
    if (refused) throw new Error(`the definition ${name} is refused: ${refused.message}`);
    if (Date.now() > deadline)
      throw new Error(`the definition ${name} was not established within ${ESTABLISHED_MS} ms`);
    await delay(20);
  }
}

/**
 * The storage behind a definition is opened by the first request for its objects, and until it is, requests are answered
 * 429 "storage is (re)initializing": we are the first, so that no client of the server meets that.
 */
async function served(api: CustomObjectsApi, definition: Definition): Promise<void> {
  const deadline = Date.now() + ESTABLISHED_MS;
  const { group, names, versions } = definition.spec;
  for (const version of versions.filter((one) => one.served)) {
    const where = { group, version: version.name, plural: names.plural, limit: 1 };
    for (;;) {
      const error: unknown = await api.listClusterCustomObject(where).then(
        () => undefined,
        (thrown: unknown) => thrown ?? new Error('no answer'),
      );
      if (error === undefined) break;
      if (Date.now() > deadline) throw new Error(`${names.plural}.${group} are not served: ${messageOf(error)}`);
      await delay(20);
    }
  }
}

async function yamlFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (found.isFile()) return [path];
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return names.map((name) => join(path, name));
}

function isList(object: KubernetesObject): object is KubernetesObject & { items: KubernetesObject[] } {
  return object.kind === 'List' && Array.isArray((object as { items?: unknown }).items);
}

/** An `ApiException` carries a Status as JSON text in its body; its own message dumps headers. */
function messageOf(error: unknown): string {
  const body = (error as { body?: unknown }).body;
  if (typeof body === 'string') {
    try {
      return String((JSON.parse(body) as { message?: unknown }).message ?? body);
    } catch {
      return body;
    }
  }
  return error instanceof Error ? error.message : String(error);
}
