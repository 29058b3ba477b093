import { HttpMethod, type KubeConfig } from '@kubernetes/client-node';
import { boundedCalls } from '../../activities/kubernetes/bounded-calls.ts';
import { workshopKinds } from '../../contract/workshop/objects.ts';

/** What the cluster knows of our kinds. A definition without our fields drops them, with 200 and without a word. */

interface Schema {
  properties?: Record<string, Schema>;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

/** The part of an OpenAPI v3 document that is read. */
export interface OpenApiDocument {
  components?: { schemas?: Record<string, Schema> };
}

const { apiVersion, kind } = workshopKinds.workshop;

/** The document of the workshop's group. Rejects when the cluster does not have the group. */
export async function readDefinitions(kubeConfig: KubeConfig, timeoutMs: number): Promise<OpenApiDocument> {
  const { baseServer, authMethods, httpApi } = boundedCalls(kubeConfig, timeoutMs);
  const request = baseServer.makeRequestContext(`/openapi/v3/apis/${apiVersion}`, HttpMethod.GET);
  request.setHeaderParam('Accept', 'application/json');
  request.setSignal(AbortSignal.timeout(timeoutMs));
  await authMethods.default?.applySecurityAuthentication(request);
  const response = await httpApi.send(request).toPromise();
  if (response.httpStatusCode !== 200) throw new Error(`HTTP ${response.httpStatusCode}`);
  return JSON.parse(await response.body.text()) as OpenApiDocument;
}

/** One line when workshops cannot carry the configuration, because its field would be dropped; undefined when they can. */
export function definitionTrouble({ components }: OpenApiDocument): string | undefined {
  const schema = Object.values(components?.schemas ?? {}).find((candidate) =>
    candidate['x-kubernetes-group-version-kind']?.some((one) => one.kind === kind),
  );
  const spec = schema?.properties?.spec;
  const kept = spec?.properties?.autoScaling ?? spec?.['x-kubernetes-preserve-unknown-fields'];
  if (kept) return undefined;
  return `the definition of ${kind} in this cluster has no spec.autoScaling: the API server drops it, and every workshop counts as disabled. Add the field, as in deploy/crds/workshops.yaml.`;
}
