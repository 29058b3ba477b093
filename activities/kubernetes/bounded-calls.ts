import {
  type Configuration,
  createConfiguration,
  type KubeConfig,
  type RequestContext,
  type ResponseContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { activitySignal } from '../signal.ts';

/** Every call has a time-out and ends with its activity. The client itself retries nothing. */
export function boundedCalls(kubeConfig: KubeConfig, requestTimeoutMs: number): Configuration {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig names no current cluster');
  return createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [
      {
        pre: async (request: RequestContext) => {
          request.setSignal(AbortSignal.any([activitySignal(), AbortSignal.timeout(requestTimeoutMs)]));
          return request;
        },
        post: async (response: ResponseContext) => response,
      },
    ],
  });
}
