import type { CoreV1Event } from '@kubernetes/client-node';
import type { HostRouting } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import { type FoundIngress, routingOf } from '../../domain/deployment/expected.ts';
import type { RuleVerdict } from '../../domain/deployment/gate.ts';
import type { RouteVerdict } from '../../domain/deployment/http-route.ts';
import {
  type ControllerOpinion,
  controllerOpinion,
  type GroupMember,
  markOf,
  saidSince,
  shownEvents,
} from '../../domain/deployment/refusals.ts';
import { gatewayRef } from '../../domain/scope/dns-endpoint.ts';
import { ALB } from '../../domain/scope/keeper.ts';
import { readEvent } from '../kubernetes/events.ts';
import type { Course } from './course.ts';
import type { DeploymentDependencies } from './dependencies.ts';
import { isByGateway, routeKind } from './gateway.ts';
import { kinds, type Live, ofScope, wire } from './objects.ts';

/** What those who carry a routing out say of it: the load balancer controller by its events, a gateway by conditions. */

export type Opinion =
  | { kind: 'agrees' }
  | {
      kind: 'open';
      words: string;
      verdict: RuleVerdict;
      /** What the controller has warned of since the apply, newest first. */
      said?: string[];
      /** The controller's word that another member breaks the balancer's group. */
      broken?: Extract<ControllerOpinion, { kind: 'broken' }>;
    }
  | { kind: 'refused'; failure: Failure };

/** What was applied, and what its carrier had said before. */
export interface Applied {
  /** In ms. */
  at: number;
  /** Marks of the events that stood there already. */
  heard: readonly string[];
  expected: readonly HostRouting[];
}

/** `gateways` with external DNS: there rules that agree are only what was asked for. */
export async function opinionOf(
  deps: DeploymentDependencies,
  course: Course,
  verdict: RuleVerdict,
  gateways: RouteVerdict | undefined,
  applied: Applied,
): Promise<Opinion> {
  const open = (words: string): Extract<Opinion, { kind: 'open' }> => ({ kind: 'open', words, verdict });
  if (verdict.converged) {
    if (gateways?.kind === 'refused') return { kind: 'refused', failure: refusalOfGateway(gateways) };
    return gateways?.kind === 'waiting' ? open(gateways.message) : { kind: 'agrees' };
  }
  const differences = open(verdict.differences.join('; '));
  const { opinion, said } = await askController(deps, course, applied);
  if (!opinion) return { ...differences, said };
  if (opinion.kind === 'refused') return { kind: 'refused', failure: refusal(course, opinion) };
  return {
    ...differences,
    said,
    words: `${opinion.by} breaks the group of the balancer: ${opinion.message}`,
    broken: opinion,
  };
}

function refusalOfGateway({ type, message }: Extract<RouteVerdict, { kind: 'refused' }>): Failure {
  const details = { controllerMessage: message };
  if (type === 'CertificateMissing')
    return {
      type,
      message: `the gateway lacks a certificate. Correct its listener, then start again: ${message}`,
      details,
    };
  return { type, message: `the gateway does not take the HTTPRoute: ${message}`, details };
}

async function askController(
  deps: DeploymentDependencies,
  course: Course,
  { at, heard, expected }: Applied,
): Promise<{ opinion?: ControllerOpinion | undefined; said: string[] }> {
  if (!course.balancer) return { said: [] };
  const { namespace } = course.shape;
  const own = await ofScope<Live>(deps.kubernetes, kinds.ingress, namespace, course.request.scopeId);
  const uids = own.map(({ metadata }) => metadata?.uid ?? '');
  const events = await routeEvents(deps, course);
  const named = new Set(expected.flatMap(({ weights }) => Object.keys(weights)));
  const input = {
    events,
    uids,
    ours: [ours(course)],
    appliedAt: new Date(at).toISOString(),
    heard,
    former: servicesOf(course).filter((service) => !named.has(service)),
  };
  const said = saidSince(input);
  // The other members are read only when there is a refusal to tell whose it is.
  if (!controllerOpinion({ ...input, others: [] })) return { said };
  return { opinion: controllerOpinion({ ...input, others: await otherMembers(deps, course, uids) }), said };
}

/** Marks of what the controller has said of the scope's Ingresses until now. */
export async function heardUntilNow(deps: DeploymentDependencies, course: Course): Promise<string[]> {
  return course.balancer ? (await routeEvents(deps, course)).map(markOf) : [];
}

function servicesOf({ shape }: Course): string[] {
  return shape.ports.flatMap(({ services: { blue, green } }) => [blue, green].flatMap((one) => one?.name ?? []));
}

function ours(course: Course): GroupMember {
  const { shape } = course;
  const [main] = shape.ports;
  return {
    ingress: `${shape.namespace}/${main?.ingress}`,
    services: [...servicesOf(course), ...shape.ports.map(({ ingress }) => ingress)],
    hosts: shape.hosts,
  };
}

async function routeEvents(deps: DeploymentDependencies, { request, shape: { namespace } }: Course) {
  const events = await deps.kubernetes.list<CoreV1Event>(
    { apiVersion: 'v1', kind: 'Event' },
    { namespace, fieldSelector: `involvedObject.kind=${routeKind(request).kind},type=Warning` },
  );
  return events.map((event) => ({
    ...readEvent(event),
    id: event.metadata.name ?? '',
    firstSeen: new Date(event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? 0).toISOString(),
  }));
}

async function otherMembers(
  deps: DeploymentDependencies,
  course: Course,
  uids: readonly string[],
): Promise<GroupMember[]> {
  const all = await deps.kubernetes.list<Live>(kinds.ingress);
  return all
    .filter(({ metadata }) => metadata?.annotations?.[`${ALB}/group.name`] === course.balancer?.name)
    .filter(({ metadata }) => !uids.includes(metadata?.uid ?? ''))
    .map((ingress) => {
      const routes = routingOf([wire<FoundIngress>(ingress)]);
      return {
        ingress: `${ingress.metadata?.namespace}/${ingress.metadata?.name}`,
        services: routes.flatMap(({ weights }) => Object.keys(weights)),
        hosts: routes.map(({ host }) => host),
      };
    });
}

function refusal(course: Course, opinion: Extract<ControllerOpinion, { kind: 'refused' }>): Failure {
  const { type, message, host } = opinion;
  const details = { controllerMessage: message, ...(host === undefined ? {} : { host }) };
  if (type === 'CertificateMissing')
    return {
      type,
      message: `no certificate covers ${host}. Issue one in ACM in ${course.request.scope.region}, then start again`,
      details,
    };
  return { type, message: `the load balancer controller refuses our Ingresses: ${message}`, details };
}

/** At the deadline: what is expected and what is there, with what the controller said. */
export async function notConverged(
  deps: DeploymentDependencies,
  course: Course,
  { words, verdict, broken }: Extract<Opinion, { kind: 'open' }>,
): Promise<Failure> {
  if (broken)
    return {
      type: 'GroupBroken',
      message: `${broken.by} breaks the group of balancer ${course.balancer?.name}, so nothing of it changes: ${broken.message}`,
      details: { by: broken.by, controllerMessage: broken.message },
    };
  const { request, shape } = course;
  const kind = routeKind(request);
  const own = await ofScope<Live>(deps.kubernetes, kind, shape.namespace, request.scopeId);
  const events = shownEvents(
    await routeEvents(deps, course),
    own.map(({ metadata }) => metadata?.uid ?? ''),
  );
  const message = isByGateway(request)
    ? `${carrier(course)} has not taken up the HTTPRoute: ${words}. Read the logs of the gateway's controller`
    : `${carrier(course)} does not do what the Ingresses say: ${words}. Read the load balancer controller's logs`;
  const differences = verdict.converged ? [words] : verdict.differences;
  return { type: 'NotConverged', message, details: { differences, actual: verdict.actual, events } };
}

/** Nothing could be read until the deadline. */
export function unreadable(course: Course, lastSeen: string): Failure {
  const message = `${carrier(course)} could not be read until the deadline: ${lastSeen}`;
  return { type: 'BalancerUnreadable', message, details: course.balancer ? { balancer: course.balancer.name } : {} };
}

function carrier({ request, balancer }: Course): string {
  return isByGateway(request) ? `gateway ${gatewayRef(request.scope.gateway)}` : `balancer ${balancer?.name}`;
}
