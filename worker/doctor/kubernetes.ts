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
import { type Finding, failed, ok, skipped, type Trouble } from '../findings.ts';
import { type KubernetesPermission, kubernetesPermissions, scaleDownPermissions } from '../permissions.ts';

/** Reachable, and every verb that the worker uses is allowed to it. */

const REMEDY = 'Apply deploy/rbac, and check that KUBECONFIG is the one of the worker.';

export async function* examineKubernetes(requestTimeoutMs: number): AsyncGenerator<Finding> {
  const subject = 'Kubernetes';
  try {
    const { configuration, server } = connect(defaultKubeConfig(), requestTimeoutMs);
    const version = await told('get', 'version', new VersionApi(configuration).getCode());
    yield ok(subject, `${server}, version ${version.gitVersion}`);
    const api = new AuthorizationV1Api(configuration);
    for (const permission of kubernetesPermissions) {
      const denied = await deniedVerbs(api, permission);
      yield denied.length === 0
        ? ok(whereOf(subject, permission), permission.verbs.join(', '))
        : failed(whereOf(subject, permission), 'forbidden', `may not ${denied.join(', ')}`, REMEDY);
    }
    for (const permission of scaleDownPermissions) {
      const denied = await deniedVerbs(api, permission);
      yield denied.length === 0
        ? ok(whereOf(subject, permission), `${permission.verbs.join(', ')} (workshops may scale down)`)
        : skipped(whereOf(subject, permission), 'delete is not granted: workshops cannot scale down');
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

function whereOf(subject: string, { group, resource }: KubernetesPermission): string {
  return `${subject}: ${resource}${group === '' ? '' : `.${group}`}`;
}

async function deniedVerbs(api: AuthorizationV1Api, permission: KubernetesPermission): Promise<string[]> {
  const denied: string[] = [];
  for (const verb of permission.verbs) {
    if (!(await allows(api, permission.group, permission.resource, verb))) denied.push(verb);
  }
  return denied;
}

async function allows(api: AuthorizationV1Api, group: string, resource: string, verb: string): Promise<boolean> {
  const [main = '', subresource = ''] = resource.split('/');
  const body = { spec: { resourceAttributes: { group, resource: main, subresource, verb } } };
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
