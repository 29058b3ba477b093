import { z } from 'zod';
import type { Ingress, Service } from '../../objects.ts';
import { annotation, jsonOf } from '../annotations.ts';
import type { ActionSpec, ConditionSpec, ForwardTarget } from './stack.ts';

/** Makes (or finds) the target group of a Service of this Ingress and returns its id in the stack. */
export type TargetGroupMaker = (ingress: Ingress, service: Service, port: number | string) => string;
export type ServiceFinder = (namespace: string, name: string) => Service | undefined;

const numberOrText = z.union([z.string(), z.number().transform(String)]);
// Member names are lower-cased before they come here.
const action = z.object({
  type: z.enum(['fixed-response', 'redirect', 'forward']),
  targetgrouparn: z.string().optional(),
  fixedresponseconfig: z
    .object({ contenttype: z.string().optional(), statuscode: numberOrText, messagebody: z.string().optional() })
    .optional(),
  redirectconfig: z
    .object({
      host: z.string().default('#{host}'),
      path: z.string().default('/#{path}'),
      port: numberOrText.default('#{port}'),
      protocol: z.string().default('#{protocol}'),
      query: z.string().default('#{query}'),
      statuscode: z.string(),
    })
    .optional(),
  forwardconfig: z
    .object({
      targetgroups: z.array(
        z.object({
          targetgrouparn: z.string().optional(),
          servicename: z.string().optional(),
          serviceport: z.union([z.number(), z.string()]).optional(),
          weight: z.number().int().min(0).max(999).optional(),
        }),
      ),
      targetgroupstickinessconfig: z
        .object({ enabled: z.boolean().optional(), durationseconds: z.number().int().optional() })
        .optional(),
    })
    .optional(),
});

export const notFoundAction: ActionSpec = { type: 'fixed-response', contentType: 'text/plain', statusCode: '404' };

const unavailable = (messageBody: string): ActionSpec => ({
  type: 'fixed-response',
  contentType: 'text/plain',
  statusCode: '503',
  messageBody,
});

/** The action of a plain backend. A Service that does not exist answers 503 instead of failing the group. */
export function backendAction(
  ingress: Ingress,
  service: string,
  port: number | string,
  find: ServiceFinder,
  targetGroup: TargetGroupMaker,
): ActionSpec {
  const found = find(ingress.metadata.namespace ?? '', service);
  if (!found) return unavailable('Backend service does not exist');
  return { type: 'forward', targets: [{ targetGroup: targetGroup(ingress, found, port) }] };
}

/** The action that a backend with the port `use-annotation` names. Throws when its JSON is malformed or a Service of a forward does not exist. */
export function annotatedAction(
  ingress: Ingress,
  name: string,
  find: ServiceFinder,
  targetGroup: TargetGroupMaker,
): ActionSpec {
  const text = annotation(ingress, `actions.${name}`);
  if (text === undefined) return unavailable('Backend action does not exist');
  const parsed = action.safeParse(jsonOf(text, `actions.${name}`));
  if (!parsed.success)
    throw new Error(`failed to parse json annotation, alb.ingress.kubernetes.io/actions.${name}: ${text}`);
  const {
    type,
    fixedresponseconfig: fixed,
    redirectconfig: redirect,
    forwardconfig: forward,
    targetgrouparn,
  } = parsed.data;
  if (type === 'fixed-response') {
    if (!fixed) throw new Error('missing FixedResponseConfig');
    return {
      type,
      statusCode: fixed.statuscode,
      ...(fixed.contenttype === undefined ? {} : { contentType: fixed.contenttype }),
      ...(fixed.messagebody === undefined ? {} : { messageBody: fixed.messagebody }),
    };
  }
  if (type === 'redirect') {
    if (!redirect) throw new Error('missing RedirectConfig');
    const { host, path, port, protocol, query, statuscode } = redirect;
    return { type, host, path, port, protocol, query, statusCode: statuscode };
  }
  if (targetgrouparn !== undefined) return { type, targets: [{ targetGroup: targetgrouparn }] };
  if (!forward || forward.targetgroups.length === 0) throw new Error('missing ForwardConfig');
  const several = forward.targetgroups.length > 1;
  const targets = forward.targetgroups.map((tuple): ForwardTarget => {
    if (several && tuple.weight === undefined) throw new Error('missing weight when specifying multiple target groups');
    const weight = tuple.weight === undefined ? {} : { weight: tuple.weight };
    if (tuple.targetgrouparn !== undefined) return { targetGroup: tuple.targetgrouparn, ...weight };
    if (tuple.servicename === undefined || tuple.serviceport === undefined) {
      throw new Error('missing serviceName or servicePort');
    }
    const service = find(ingress.metadata.namespace ?? '', tuple.servicename);
    if (!service) throw new Error(`Service "${tuple.servicename}" not found`);
    return { targetGroup: targetGroup(ingress, service, tuple.serviceport), ...weight };
  });
  const sticky = forward.targetgroupstickinessconfig;
  return { type, targets, ...(sticky?.enabled ? { stickinessSeconds: sticky.durationseconds ?? 3600 } : {}) };
}

const values = z.array(z.string()).min(1);
const condition = z.discriminatedUnion('field', [
  z.object({ field: z.literal('host-header'), hostheaderconfig: z.object({ values }) }),
  z.object({ field: z.literal('path-pattern'), pathpatternconfig: z.object({ values }) }),
  z.object({ field: z.literal('http-request-method'), httprequestmethodconfig: z.object({ values }) }),
  z.object({ field: z.literal('source-ip'), sourceipconfig: z.object({ values }) }),
  z.object({ field: z.literal('http-header'), httpheaderconfig: z.object({ httpheadername: z.string(), values }) }),
  z.object({
    field: z.literal('query-string'),
    querystringconfig: z.object({
      values: z.array(z.object({ key: z.string().optional(), value: z.string() })).min(1),
    }),
  }),
]);

/** The conditions that `conditions.<service>` adds to host and path. */
export function annotatedConditions(ingress: Ingress, service: string): ConditionSpec[] {
  const text = annotation(ingress, `conditions.${service}`);
  if (text === undefined) return [];
  const parsed = z.array(condition).safeParse(jsonOf(text, `conditions.${service}`));
  if (!parsed.success)
    throw new Error(`failed to parse json annotation, alb.ingress.kubernetes.io/conditions.${service}: ${text}`);
  return parsed.data.map(toConditionSpec);
}

function toConditionSpec(item: z.infer<typeof condition>): ConditionSpec {
  switch (item.field) {
    case 'host-header':
      return { field: item.field, values: item.hostheaderconfig.values };
    case 'path-pattern':
      return { field: item.field, values: item.pathpatternconfig.values };
    case 'http-request-method':
      return { field: item.field, values: item.httprequestmethodconfig.values };
    case 'source-ip':
      return { field: item.field, values: item.sourceipconfig.values };
    case 'http-header':
      return { field: item.field, name: item.httpheaderconfig.httpheadername, values: item.httpheaderconfig.values };
    case 'query-string':
      return {
        field: item.field,
        values: item.querystringconfig.values.map(({ key, value }) => (key === undefined ? { value } : { key, value })),
      };
  }
}
