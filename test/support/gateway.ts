import { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesGateway } from '../../activities/kubernetes/gateway.ts';
import { GATEWAYS_NAMESPACE } from '../../domain/scope/dns-endpoint.ts';
import { KubeClient } from '../../sandbox/controllers/client.ts';
import { testServers } from './servers.ts';

const kinds = {
  Gateway: {
    apiVersion: 'gateway.networking.k8s.io/v1',
    path: '/apis/gateway.networking.k8s.io/v1',
    plural: 'gateways',
  },
  Service: { apiVersion: 'v1', path: '/api/v1', plural: 'services' },
} as const;

/** For routes of every namespace and host. */
const HTTPS = { name: 'https', port: 443, protocol: 'HTTPS', allowedRoutes: { namespaces: { from: 'All' } } };

/** A gateway with the address that its controller would write into its status. */
export async function makeGateway(
  kubernetes: KubernetesGateway,
  name: string,
  status: object,
  kind: keyof typeof kinds = 'Service',
  listeners: readonly object[] = [HTTPS],
): Promise<void> {
  const { apiVersion, path, plural } = kinds[kind];
  const namespace = GATEWAYS_NAMESPACE;
  await kubernetes.createIfAbsent({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const spec =
    kind === 'Gateway'
      ? { gatewayClassName: 'sandbox', listeners }
      : { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 443 }] };
  await kubernetes.apply({ apiVersion, kind, metadata: { name, namespace }, spec } as never);
  const config = new KubeConfig();
  config.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const admin = new KubeClient(config, 'gateway-controller');
  try {
    await admin.merge(`${path}/namespaces/${namespace}/${plural}/${name}/status`, { status });
  } finally {
    await admin.close();
  }
}
