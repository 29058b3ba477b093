import type { Action, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { canonicalJson } from '../../objects.ts';
import type { ActionSpec, ConditionSpec } from '../model/stack.ts';

/** The ARN of a target group by its id in the stack; an id that is an ARN already stands for itself. */
export type TargetGroupArns = ReadonlyMap<string, string>;

/** An action as the API takes it. */
export function toAction(spec: ActionSpec, arns: TargetGroupArns): Action {
  switch (spec.type) {
    case 'fixed-response': {
      const { statusCode, contentType, messageBody } = spec;
      return {
        Type: 'fixed-response',
        Order: 1,
        FixedResponseConfig: { StatusCode: statusCode, ContentType: contentType, MessageBody: messageBody },
      };
    }
    case 'redirect':
      return {
        Type: 'redirect',
        Order: 1,
        RedirectConfig: {
          Protocol: spec.protocol,
          Port: spec.port,
          Host: spec.host,
          Path: spec.path,
          Query: spec.query,
          StatusCode: spec.statusCode as 'HTTP_301' | 'HTTP_302',
        },
      };
    case 'forward':
      return {
        Type: 'forward',
        Order: 1,
        ForwardConfig: {
          TargetGroups: spec.targets.map(({ targetGroup, weight }) => ({
            TargetGroupArn: arns.get(targetGroup) ?? targetGroup,
            ...(weight === undefined ? {} : { Weight: weight }),
          })),
          TargetGroupStickinessConfig:
            spec.stickinessSeconds === undefined
              ? { Enabled: false }
              : { Enabled: true, DurationSeconds: spec.stickinessSeconds },
        },
      };
  }
}

export function toCondition(spec: ConditionSpec): RuleCondition {
  switch (spec.field) {
    case 'host-header':
      return { Field: spec.field, HostHeaderConfig: { Values: spec.values } };
    case 'path-pattern':
      return { Field: spec.field, PathPatternConfig: { Values: spec.values } };
    case 'http-request-method':
      return { Field: spec.field, HttpRequestMethodConfig: { Values: spec.values } };
    case 'source-ip':
      return { Field: spec.field, SourceIpConfig: { Values: spec.values } };
    case 'http-header':
      return { Field: spec.field, HttpHeaderConfig: { HttpHeaderName: spec.name, Values: spec.values } };
    case 'query-string':
      return {
        Field: spec.field,
        QueryStringConfig: { Values: spec.values.map(({ key, value }) => ({ Key: key, Value: value })) },
      };
  }
}

/** A text that is equal for actions that do the same, whatever form the API shows them in. */
export function actionText(action: Action | undefined): string {
  if (!action) return '';
  const { FixedResponseConfig: fixed, RedirectConfig: redirect, ForwardConfig: forward } = action;
  const single = action.TargetGroupArn === undefined ? [] : [{ TargetGroupArn: action.TargetGroupArn, Weight: 1 }];
  const targets = forward?.TargetGroups && forward.TargetGroups.length > 0 ? forward.TargetGroups : single;
  const sticky = forward?.TargetGroupStickinessConfig;
  return canonicalJson({
    type: action.Type,
    fixed: fixed && { code: fixed.StatusCode, type: fixed.ContentType || null, body: fixed.MessageBody || null },
    redirect: redirect && {
      protocol: redirect.Protocol ?? '#{protocol}',
      port: redirect.Port ?? '#{port}',
      host: redirect.Host ?? '#{host}',
      path: redirect.Path ?? '/#{path}',
      query: redirect.Query ?? '#{query}',
      code: redirect.StatusCode,
    },
    targets: targets.map((target) => [target.TargetGroupArn, target.Weight ?? 1]).sort(),
    stickySeconds: sticky?.Enabled ? (sticky.DurationSeconds ?? null) : null,
  });
}

/** A text that is equal for equal sets of conditions. */
export function conditionsText(conditions: readonly RuleCondition[]): string {
  const texts = conditions.map((condition) => {
    const { Field, HttpHeaderConfig: header, QueryStringConfig: query } = condition;
    const values =
      condition.HostHeaderConfig?.Values ??
      condition.PathPatternConfig?.Values ??
      condition.HttpRequestMethodConfig?.Values ??
      condition.SourceIpConfig?.Values ??
      header?.Values ??
      query?.Values?.map(({ Key, Value }) => `${Key ?? ''}=${Value ?? ''}`) ??
      condition.Values ??
      [];
    return canonicalJson({ field: Field, name: header?.HttpHeaderName, values: [...values].sort() });
  });
  return texts.sort().join('\n');
}
