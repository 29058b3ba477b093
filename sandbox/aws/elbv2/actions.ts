import { AwsError, validationError } from '../errors.ts';
import type { Action, WeightedTargetGroup } from '../model.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import { type Context, getTargetGroup } from './context.ts';

/** The actions of a listener or rule: exactly one, since authentication is not served, and it ends the request. */
export function readActions(context: Context, params: readonly Params[]): Action[] {
  if (params.length === 0) throw validationError('At least one action must be specified');
  const actions = params.map((each) => readAction(context, each));
  if (actions.length > 1)
    throw new AwsError('TooManyActions', 'Exactly one of forward, redirect and fixed-response must be specified');
  return actions;
}

function readAction(context: Context, params: Params): Action {
  const type = params.required('Type');
  const order = params.integer('Order', 1, 50_000);
  const ordered = order === undefined ? {} : { order };
  if (type === 'forward') return { ...readForward(context, params), ...ordered };
  if (type === 'redirect') return { ...readRedirect(params), ...ordered };
  if (type === 'fixed-response') return { ...readFixedResponse(params), ...ordered };
  throw new AwsError(
    'InvalidLoadBalancerAction',
    `The action type '${type}' is not valid or not served by the sandbox`,
  );
}

function readForward(context: Context, params: Params): Action {
  const config = params.child('ForwardConfig');
  const single = params.text('TargetGroupArn');
  const tuples = config?.list('TargetGroups')?.map(
    (tuple): WeightedTargetGroup => ({
      arn: tuple.required('TargetGroupArn'),
      weight: tuple.integer('Weight', 0, 999) ?? 1,
    }),
  );
  const targetGroups = tuples ?? (single ? [{ arn: single, weight: 1 }] : []);
  if (targetGroups.length === 0) throw validationError('A target group ARN must be specified for a forward action');
  if (single && (targetGroups.length > 1 || targetGroups[0]?.arn !== single)) {
    throw new AwsError('InvalidLoadBalancerAction', 'TargetGroupArn and ForwardConfig name different target groups');
  }
  if (new Set(targetGroups.map((group) => group.arn)).size < targetGroups.length) {
    throw validationError('A target group can only be specified once in an action');
  }
  const most = context.limits['target-groups-per-action-on-application-load-balancer'];
  if (targetGroups.length > most)
    throw new AwsError(
      'TooManyTargetGroups',
      `An action can name at most ${most} target groups, got ${targetGroups.length}`,
    );
  for (const { arn } of targetGroups) getTargetGroup(context, arn);
  const stickiness = config?.child('TargetGroupStickinessConfig');
  const seconds = stickiness?.boolean('Enabled')
    ? (stickiness.integer('DurationSeconds', 1, 604_800) ?? 3600)
    : undefined;
  return { type: 'forward', targetGroups, ...(seconds === undefined ? {} : { stickinessSeconds: seconds }) };
}

function readRedirect(params: Params): Action {
  const config = params.child('RedirectConfig');
  const statusCode = config?.oneOf('StatusCode', ['HTTP_301', 'HTTP_302']);
  if (config === undefined || statusCode === undefined)
    throw validationError('A redirect action needs a RedirectConfig with a StatusCode');
  const target = {
    protocol: config.text('Protocol') ?? '#{protocol}',
    port: config.text('Port') ?? '#{port}',
    host: config.bounded('Host', 128) ?? '#{host}',
    path: config.bounded('Path', 128) ?? '/#{path}',
  };
  if (!['HTTP', 'HTTPS', '#{protocol}'].includes(target.protocol))
    throw validationError(`The redirect protocol '${target.protocol}' is not valid`);
  if (target.port !== '#{port}' && !isPort(target.port))
    throw validationError(`The redirect port '${target.port}' is not valid`);
  if (!target.path.startsWith('/')) throw validationError(`The redirect path '${target.path}' must begin with '/'`);
  const unchanged = { protocol: '#{protocol}', port: '#{port}', host: '#{host}', path: '/#{path}' };
  if (JSON.stringify(target) === JSON.stringify(unchanged)) {
    throw new AwsError(
      'InvalidLoadBalancerAction',
      'The redirect action must change the protocol, port, host or path, or it would loop',
    );
  }
  return { type: 'redirect', ...target, query: config.text('Query') ?? '#{query}', statusCode };
}

const isPort = (text: string) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

function readFixedResponse(params: Params): Action {
  const config = params.child('FixedResponseConfig');
  const statusCode = config?.required('StatusCode');
  if (config === undefined || statusCode === undefined || !/^[245]\d\d$/.test(statusCode)) {
    throw validationError(`A fixed-response action needs a StatusCode of 2XX, 4XX or 5XX, got '${statusCode ?? ''}'`);
  }
  const contentType = config.oneOf('ContentType', [
    'text/plain',
    'text/css',
    'text/html',
    'application/javascript',
    'application/json',
  ]);
  const messageBody = config.text('MessageBody');
  if (messageBody !== undefined && messageBody.length > 1024)
    throw validationError('The MessageBody cannot be longer than 1024 characters');
  return {
    type: 'fixed-response',
    statusCode,
    ...(contentType === undefined ? {} : { contentType }),
    ...(messageBody === undefined ? {} : { messageBody }),
  };
}

/** As AWS shows an action: a forward to one group carries its ARN twice, weights are always there. */
export function actionXml(action: Action): XmlValue {
  switch (action.type) {
    case 'forward':
      return {
        Type: 'forward',
        TargetGroupArn: action.targetGroups.length === 1 ? action.targetGroups[0]?.arn : undefined,
        Order: action.order,
        ForwardConfig: {
          TargetGroups: action.targetGroups.map(({ arn, weight }) => ({ TargetGroupArn: arn, Weight: weight })),
          TargetGroupStickinessConfig: {
            Enabled: action.stickinessSeconds !== undefined,
            DurationSeconds: action.stickinessSeconds,
          },
        },
      };
    case 'redirect':
      return {
        Type: 'redirect',
        Order: action.order,
        RedirectConfig: {
          Protocol: action.protocol,
          Port: action.port,
          Host: action.host,
          Path: action.path,
          Query: action.query,
          StatusCode: action.statusCode,
        },
      };
    case 'fixed-response':
      return {
        Type: 'fixed-response',
        Order: action.order,
        FixedResponseConfig: {
          MessageBody: action.messageBody,
          StatusCode: action.statusCode,
          ContentType: action.contentType,
        },
      };
  }
}
