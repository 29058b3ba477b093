import {
  AuthorizationV1Api,
  type Configuration,
  createConfiguration,
  type KubeConfig,
  type RequestContext,
  type ResponseContext,
  ServerConfiguration,
  VersionApi,
} from '@kubernetes/client-node';
import { KubernetesCallError, kubernetesError } from '../../activities/kubernetes/errors.ts';
import { defaultKubeConfig } from '../dependencies.ts';
import { type Finding, failed, ok, type Trouble } from '../findings.ts';
import { kubernetesPermissions } from '../permissions.ts';

/** Reachable, and every verb that the worker uses is allowed to it. */

const REMEDY = 'Apply deploy/rbac, and check that KUBECONFIG is the one of the worker.';

export async function* examineKubernetes(requestTimeoutMs: number): AsyncGenerator<Finding> {
  const subject = 'Kubernetes';
  try {
    const { configuration, server } = connect(defaultKubeConfig(), requestTimeoutMs);
    const version = await told('get', 'version', new VersionApi(configuration).getCode());
    yield ok(subject, `${server}, version ${version.gitVersion}`);
    const api = new AuthorizationV1Api(configuration);
    for (const { group, resource, verbs } of kubernetesPermissions) {
      const denied: string[] = [];
      for (const verb of verbs) if (!(await allows(api, group, resource, verb))) denied.push(verb);
      const where = `${subject}: ${resource}${group === '' ? '' : `.${group}`}`;
      yield denied.length === 0
        ? ok(where, verbs.join(', '))
        : failed(where, 'forbidden', `may not ${denied.join(', ')}`, REMEDY);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const trouble = troubleOf(error);
    yield failed(
      subject,
      trouble,
      message,
      trouble === 'forbidden' ? REMEDY : 'Start the cluster, or correct KUBECONFIG.',
    );
  }
}

function connect(kubeConfig: KubeConfig, timeoutMs: number): { configuration: Configuration; server: string } {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) throw new Error('no kubeconfig names a cluster');
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [
      {
        pre: async (request: RequestContext) => {
          request.setSignal(AbortSignal.timeout(timeoutMs));
          return request;
        },
        post: async (response: ResponseContext) => response,
      },
    ],
  });
  return { configuration, server: cluster.server };
}

async function allows(api: AuthorizationV1Api, group: string, resource: string, verb: string): Promise<boolean> {
  const body = { spec: { resourceAttributes: { group, resource, verb } } };
  const review = await told('create', 'selfsubjectaccessreviews', api.createSelfSubjectAccessReview({ body }));
  return review.status?.allowed === true;
}

async function told<T>(verb: string, resource: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw kubernetesError(error, verb, resource);
  }
}

function troubleOf(error: unknown): Trouble {
  return error instanceof KubernetesCallError && error.kind === 'denied' ? 'forbidden' : 'unavailable';
}
