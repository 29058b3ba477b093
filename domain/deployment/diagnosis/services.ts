import { type Check, check, nameOf, nothingToCheck, verdict } from './check.ts';
import type { SeenPod, SeenService } from './snapshot.ts';

/** Whether the Services of the scope lead to its pods. */

const selects = ({ spec }: SeenService, { metadata }: SeenPod) => {
  const selector = Object.entries(spec?.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => metadata?.labels?.[key] === value);
};

export const serviceChecks: readonly Check[] = [
  check('service', 'service_existence', ['services', 'deployments'], ({ services, deployments }) => {
    const names = new Set(services.map(nameOf));
    const without = deployments.map(nameOf).filter((name) => !names.has(name));
    if (services.length === 0 && deployments.length === 0) {
      return { status: 'failed', summary: 'the scope has no Service and no Deployment', actions: ['deploy a version'] };
    }
    const bad = without.map((object) => ({ object, words: 'has no Service' }));
    return verdict(
      bad,
      `${services.length} Services found`,
      'failed',
      'start the deployment again: it applies the Services',
    );
  }),

  check('service', 'service_selector_match', ['services', 'pods'], ({ services, pods }) => {
    if (services.length === 0) return nothingToCheck('Service');
    const bad = services
      .filter((service) => !pods.some((pod) => selects(service, pod)))
      .map((service) => ({ object: nameOf(service), words: 'selects no pod' }));
    return verdict(bad, 'every Service selects pods', 'failed', 'compare the selector with the labels of the pods');
  }),

  check('service', 'service_endpoints', ['services', 'endpoints'], ({ services, endpoints }) => {
    if (services.length === 0) return nothingToCheck('Service');
    const ready = new Map<string, number>();
    for (const slice of endpoints) {
      const service = slice.metadata?.labels?.['kubernetes.io/service-name'] ?? '';
      const count = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).length;
      ready.set(service, (ready.get(service) ?? 0) + count);
    }
    const bad = services
      .filter((service) => (ready.get(nameOf(service)) ?? 0) === 0)
      .map((service) => ({ object: nameOf(service), words: 'has no ready endpoint' }));
    return verdict(bad, 'every Service has ready endpoints', 'failed', 'see why the pods are not ready');
  }),

  check('service', 'service_port_configuration', ['services', 'pods'], ({ services, pods }) => {
    if (services.length === 0) return nothingToCheck('Service');
    const bad = services.flatMap((service) => {
      const chosen = pods.filter((pod) => selects(service, pod));
      const open = new Set(
        chosen
          .flatMap(({ spec }) => spec?.containers ?? [])
          .flatMap(({ ports }) => ports ?? [])
          .map((port) => port.containerPort),
      );
      return (service.spec?.ports ?? [])
        .filter(({ port, targetPort }) => chosen.length > 0 && !open.has(Number(targetPort ?? port)))
        .map(({ port, targetPort }) => ({
          object: nameOf(service),
          words: `leads port ${port} to ${targetPort ?? port}, which no container of its pods declares`,
        }));
    });
    return verdict(
      bad,
      'the ports of Services and containers fit',
      'warning',
      'correct mainPort or the additional ports',
    );
  }),

  check('service', 'service_type_validation', ['services'], ({ services }) => {
    if (services.length === 0) return nothingToCheck('Service');
    const bad = services
      .filter(({ spec }) => (spec?.type ?? 'ClusterIP') !== 'ClusterIP')
      .map((service) => ({ object: nameOf(service), words: `is of type ${service.spec?.type}, not ClusterIP` }));
    return verdict(bad, 'every Service is of type ClusterIP', 'warning', 'somebody changed the Service: deploy again');
  }),
];
