import { lastOccurrence } from '../events.ts';
import { routingOf } from '../expected.ts';
import { compareRules } from '../gate.ts';
import { type Check, check, nameOf, nothingToCheck, verdict } from './check.ts';

/** Whether the Ingresses of the scope lead requests to its Services, on the balancer itself. */

const controllerName = 'ingress.k8s.aws/alb';

export const networkingChecks: readonly Check[] = [
  check('networking', 'ingress_existence', ['ingresses'], ({ ingresses }) =>
    ingresses.length > 0
      ? { status: 'success', summary: `${ingresses.length} Ingresses found: ${ingresses.map(nameOf).join(', ')}` }
      : {
          status: 'failed',
          summary: 'the scope has no Ingress: nothing is routed to it',
          actions: ['deploy a version'],
        },
  ),

  check('networking', 'ingress_class_validation', ['ingresses', 'ingressClasses'], ({ ingresses, ingressClasses }) => {
    if (ingresses.length === 0) return nothingToCheck('Ingress');
    const bad = ingresses.flatMap((ingress) => {
      const wanted = ingress.spec?.ingressClassName ?? '';
      const found = ingressClasses.find((one) => nameOf(one) === wanted);
      const object = nameOf(ingress);
      if (!found) return [{ object, words: `has the class "${wanted}", which does not exist` }];
      if (found.spec?.controller === controllerName) return [];
      return [{ object, words: `has the class "${wanted}" of controller ${found.spec?.controller}` }];
    });
    return verdict(
      bad,
      'the class of every Ingress is the load balancer controller’s',
      'failed',
      'install the class "alb"',
    );
  }),

  check('networking', 'ingress_controller_sync', ['ingresses', 'events'], ({ ingresses, events }) => {
    if (ingresses.length === 0) return nothingToCheck('Ingress');
    const bad = ingresses.flatMap((ingress) => {
      const own = events
        .filter(({ involvedObject }) => involvedObject?.kind === 'Ingress' && involvedObject.name === nameOf(ingress))
        .sort((a, b) => lastOccurrence(b) - lastOccurrence(a));
      const [last] = own;
      if (last?.type === 'Warning') {
        return [{ object: nameOf(ingress), words: `was refused: ${last.reason}, ${last.message}` }];
      }
      const synced = (ingress.status?.loadBalancer?.ingress ?? []).some(({ hostname }) => hostname);
      return synced ? [] : [{ object: nameOf(ingress), words: 'has no host name from its controller yet' }];
    });
    return verdict(
      bad,
      'the controller has taken up every Ingress',
      'failed',
      'correct what the message names; see the controller’s logs',
    );
  }),

  check('networking', 'ingress_host_rules', ['ingresses', 'balancer'], ({ ingresses, balancer }) => {
    const expected = routingOf(ingresses).filter(({ weights }) => Object.keys(weights).length > 0);
    if (expected.length === 0) return nothingToCheck('host rule');
    const { differences } = compareRules(expected, balancer.rules);
    const bad = differences.map((words) => ({
      object: words.split(':')[0] ?? '',
      words: words.slice(words.indexOf(':') + 2),
    }));
    return verdict(
      bad,
      'the balancer does what the Ingresses say',
      'failed',
      'touch the Ingress: its controller looks at AWS again',
    );
  }),

  check('networking', 'ingress_backend_service', ['ingresses', 'services'], ({ ingresses, services }) => {
    if (ingresses.length === 0) return nothingToCheck('Ingress');
    const names = new Set(services.map(nameOf));
    const bad = routingOf(ingresses).flatMap(({ host, port, weights }) => {
      const object = `${port} ${host}`;
      const named = Object.keys(weights);
      if (named.length === 0) return [{ object, words: 'names no Service' }];
      const missing = named.filter((name) => !names.has(name));
      return missing.map((name) => ({ object, words: `names Service ${name}, which does not exist` }));
    });
    const advice = 'a missing Service in a weighted rule blocks the whole balancer: deploy again, or roll back';
    return verdict(bad, 'every Service that an Ingress names exists', 'failed', advice);
  }),

  check('networking', 'ingress_tls_configuration', ['ingresses', 'events'], ({ ingresses, events }) => {
    if (ingresses.length === 0) return nothingToCheck('Ingress');
    const names = new Set(ingresses.map(nameOf));
    const bad = events
      .filter(({ involvedObject }) => involvedObject?.kind === 'Ingress' && names.has(involvedObject.name ?? ''))
      .flatMap(({ message, involvedObject }) => {
        const host = /no certificate found for host:?\s*([^\s,]+)/i.exec(message ?? '')?.[1];
        return host === undefined
          ? []
          : [{ object: involvedObject?.name ?? '', words: `lacks a certificate for ${host}` }];
      });
    const plain = ingresses
      .filter(
        ({ metadata }) => !(metadata?.annotations?.['alb.ingress.kubernetes.io/listen-ports'] ?? '').includes('HTTPS'),
      )
      .map((ingress) => ({ object: nameOf(ingress), words: 'has no HTTPS listener' }));
    return verdict(
      [...bad, ...plain],
      'every Ingress has HTTPS and no certificate is missing',
      'failed',
      'issue the certificate in ACM',
    );
  }),

  check('networking', 'alb_capacity_check', ['balancer'], ({ balancer }) => {
    const { name, state, load, thresholds, subnets } = balancer;
    if (state === 'absent') {
      return {
        status: 'failed',
        summary: `balancer ${name} does not exist`,
        affected: [name],
        actions: ['restore the balancer'],
      };
    }
    const crossed = (['rules', 'targetGroups', 'listeners'] as const)
      .filter((key) => load[key] >= thresholds[key])
      .map((key) => ({ object: name, words: `has ${load[key]} ${key} of ${thresholds[key]}` }));
    const tight = (subnets ?? [])
      .filter(({ freeAddresses }) => freeAddresses < 8)
      .map(({ id, freeAddresses }) => ({ object: id, words: `has ${freeAddresses} free addresses, ALB needs 8` }));
    const inactive = state === 'active' ? [] : [{ object: name, words: `is ${state}` }];
    const finding = verdict(
      [...inactive, ...crossed, ...tight],
      `${name} has room: rules ${load.rules}/${thresholds.rules}, target groups ${load.targetGroups}/${thresholds.targetGroups}, listeners ${load.listeners}/${thresholds.listeners}`,
      'warning',
      'remove what is not used, or place new scopes elsewhere',
    );
    return { ...finding, details: { ...finding.details, load, thresholds } };
  }),
];
