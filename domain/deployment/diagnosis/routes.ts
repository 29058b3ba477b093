import { type FoundRoute, judgeRoutes, routingOfRoutes } from '../http-route.ts';
import { type Check, check, type Finding, nameOf, nothingToCheck, verdict } from './check.ts';

/** The networking checks of a scope with external DNS, under the same names: its HTTPRoute stands for Ingress and balancer. */

const without = (what: string): Finding => ({ status: 'skipped', summary: `a scope with external DNS has no ${what}` });

export const routeChecks: readonly Check[] = [
  check('networking', 'ingress_existence', ['routes'], ({ routes }) =>
    routes.length > 0
      ? { status: 'success', summary: `HTTPRoute ${routes.map(nameOf).join(', ')} found` }
      : {
          status: 'failed',
          summary: 'the scope has no HTTPRoute: nothing is routed to it',
          actions: ['deploy a version'],
        },
  ),

  check('networking', 'ingress_class_validation', [], () => without('Ingress class')),

  check('networking', 'ingress_controller_sync', ['routes'], ({ routes }) =>
    judged(routes, 'the gateway has taken up the HTTPRoute', (found) => found.kind !== 'accepted'),
  ),

  check('networking', 'ingress_host_rules', [], () => without('rules that can be read: its gateway vouches for them')),

  check('networking', 'ingress_backend_service', ['routes', 'services'], ({ routes, services }) => {
    if (routes.length === 0) return nothingToCheck('HTTPRoute');
    const names = new Set(services.map(nameOf));
    const bad = routingOfRoutes(routes).flatMap(({ host, weights }) => {
      const named = Object.keys(weights);
      if (named.length === 0) return [{ object: host, words: 'is led to no Service' }];
      const missing = named.filter((name) => !names.has(name));
      return missing.map((name) => ({ object: host, words: `is led to Service ${name}, which does not exist` }));
    });
    const advice = 'its share of the requests fails: deploy again, or roll back';
    return verdict(bad, 'every Service that the HTTPRoute names exists', 'failed', advice);
  }),

  check('networking', 'ingress_tls_configuration', ['routes'], ({ routes }) =>
    judged(
      routes,
      'the gateway misses no certificate',
      (found) => 'type' in found && found.type === 'CertificateMissing',
    ),
  ),

  check('networking', 'alb_capacity_check', [], () => without('balancer')),
];

function judged(
  routes: readonly FoundRoute[],
  good: string,
  isBad: (found: ReturnType<typeof judgeRoutes>) => boolean,
): Finding {
  if (routes.length === 0) return nothingToCheck('HTTPRoute');
  const bad = routes.flatMap((route) => {
    const found = judgeRoutes([route]);
    return isBad(found) && 'message' in found ? [{ object: nameOf(route), words: `- ${found.message}` }] : [];
  });
  return verdict(bad, good, 'failed', 'correct what the message names; see the logs of the gateway’s controller');
}
