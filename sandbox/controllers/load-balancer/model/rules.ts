import type { V1HTTPIngressPath, V1IngressBackend } from '@kubernetes/client-node';
import type { Ingress, Wire } from '../../objects.ts';
import {
  annotatedAction,
  annotatedConditions,
  backendAction,
  type ServiceFinder,
  type TargetGroupMaker,
} from './actions.ts';
import type { ActionSpec, ConditionSpec, RuleSpec } from './stack.ts';

type IngressPath = Wire<V1HTTPIngressPath>;

/** The rules that one Ingress adds to a listener, without tags, in order. Throws on the first path or backend that cannot be built. */
export function rulesOf(
  ingress: Ingress,
  listener: { port: number; protocol: 'HTTP' | 'HTTPS' },
  find: ServiceFinder,
  targetGroup: TargetGroupMaker,
): Omit<RuleSpec, 'tags'>[] {
  return (ingress.spec?.rules ?? []).flatMap((rule) =>
    inOrder(rule.http?.paths ?? []).flatMap((path) => {
      const action = actionOf(ingress, path.backend, find, targetGroup);
      if (redirectsToItself(action, listener)) return [];
      const extra = annotatedConditions(ingress, path.backend.service?.name ?? '');
      return [{ conditions: conditionsOf(rule.host, path, extra), action }];
    }),
  );
}

/** The action of a backend: `use-annotation` as its port names an action, anything else a Service. */
export function actionOf(
  ingress: Ingress,
  backend: Wire<V1IngressBackend>,
  find: ServiceFinder,
  targetGroup: TargetGroupMaker,
): ActionSpec {
  const { service } = backend;
  if (!service) throw new Error('missing required "service" field');
  if (service.port?.name === 'use-annotation') return annotatedAction(ingress, service.name, find, targetGroup);
  return backendAction(ingress, service.name, service.port?.name ?? service.port?.number ?? 0, find, targetGroup);
}

/** Exact paths first, then prefixes, longer ones first, then the rest as written. */
function inOrder(paths: readonly IngressPath[]): IngressPath[] {
  const rank = (path: IngressPath) => (path.pathType === 'Exact' ? 0 : path.pathType === 'Prefix' ? 1 : 2);
  const length = (path: IngressPath) => (path.pathType === 'Prefix' ? (path.path ?? '').length : 0);
  return [...paths].sort((a, b) => rank(a) - rank(b) || length(b) - length(a));
}

/** The patterns of a path: Prefix `/` is `/*`, Prefix `/x` is `/x` and `/x/*`, the others stand as they are. */
export function pathPatterns(pathType: string, path: string | undefined): string[] {
  const text = path === undefined || path === '' ? undefined : path;
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (text !== undefined && /[*?]/.test(text)) {
      throw new Error(`${pathType.toLowerCase()} path shouldn't contain wildcards: ${text}`);
    }
  }
  if (pathType === 'Exact') return [text ?? '/'];
  if (pathType !== 'Prefix') return [text ?? '/*'];
  const prefix = (text ?? '/').replace(/\/+$/, '');
  return prefix === '' ? ['/*'] : [prefix, `${prefix}/*`];
}

/** Host and path first, each with the values that an annotation adds to it, then the other conditions. */
function conditionsOf(host: string | undefined, path: IngressPath, extra: readonly ConditionSpec[]): ConditionSpec[] {
  const hosts = host === undefined || host === '' ? [] : [host];
  const paths = pathPatterns(path.pathType, path.path);
  const others: ConditionSpec[] = [];
  for (const condition of extra) {
    if (condition.field === 'host-header') hosts.push(...condition.values);
    else if (condition.field === 'path-pattern') paths.push(...condition.values);
    else others.push(condition);
  }
  return [
    ...(hosts.length > 0 ? [{ field: 'host-header' as const, values: [...new Set(hosts)] }] : []),
    { field: 'path-pattern' as const, values: [...new Set(paths)] },
    ...others,
  ];
}

/** A redirect that changes nothing would loop for ever on the listener it points to: such a rule is dropped. */
function redirectsToItself(action: ActionSpec, listener: { port: number; protocol: string }): boolean {
  if (action.type !== 'redirect') return false;
  const { host, path, query, port, protocol } = action;
  return (
    host === '#{host}' &&
    path === '/#{path}' &&
    query === '#{query}' &&
    (port === '#{port}' || port === String(listener.port)) &&
    (protocol === '#{protocol}' || protocol === listener.protocol)
  );
}
