import { validationError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Condition } from '../model.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';

const FIELDS = [
  'host-header',
  'path-pattern',
  'http-header',
  'http-request-method',
  'query-string',
  'source-ip',
] as const;
const REPEATABLE: readonly Condition['field'][] = ['http-header', 'query-string'];

/** The structure in which each field carries its values. */
const CONFIGS: Record<Condition['field'], string> = {
  'host-header': 'HostHeaderConfig',
  'path-pattern': 'PathPatternConfig',
  'http-header': 'HttpHeaderConfig',
  'http-request-method': 'HttpRequestMethodConfig',
  'query-string': 'QueryStringConfig',
  'source-ip': 'SourceIpConfig',
};

export function readConditions(params: readonly Params[], limits: Limits): Condition[] {
  const conditions = params.map(readCondition);
  if (conditions.length === 0) throw validationError('A condition must be specified');
  for (const field of FIELDS.filter((each) => !REPEATABLE.includes(each))) {
    if (conditions.filter((condition) => condition.field === field).length > 1) {
      throw validationError(`A rule can only have one '${field}' condition`);
    }
  }
  const values = conditions.flatMap((condition) => condition.values);
  const wildcards = values.join('').replace(/[^*?]/g, '').length;
  const mostValues = limits['condition-values-per-alb-rule'];
  const mostWildcards = limits['condition-wildcards-per-alb-rule'];
  if (values.length > mostValues) throw validationError(`A rule can only have '${mostValues}' condition values`);
  if (wildcards > mostWildcards) throw validationError(`A rule can only have '${mostWildcards}' condition wildcards`);
  return conditions;
}

function readCondition(params: Params): Condition {
  const field = params.oneOf('Field', FIELDS);
  if (field === undefined) throw validationError('A condition field must be specified');
  const config = params.child(CONFIGS[field]);
  const values =
    field === 'query-string' ? queryStrings(config) : (config?.texts('Values') ?? params.texts('Values') ?? []);
  if (values.length === 0) throw validationError(`The '${field}' condition must have at least one value`);
  for (const value of values) requireValue(field, value);
  const httpHeaderName = field === 'http-header' ? config?.bounded('HttpHeaderName', 40) : undefined;
  if (field === 'http-header' && httpHeaderName === undefined)
    throw validationError("The 'http-header' condition needs an HttpHeaderName");
  return { field, values, ...(httpHeaderName === undefined ? {} : { httpHeaderName }) };
}

const queryStrings = (config: Params | undefined) =>
  (config?.list('Values') ?? []).map((pair) => {
    const key = pair.text('Key');
    return key ? `${key}=${pair.required('Value')}` : pair.required('Value');
  });

function requireValue(field: Condition['field'], value: string): void {
  const valid = {
    'host-header': /^[A-Za-z0-9.*?-]{1,128}$/,
    'path-pattern': /^[A-Za-z0-9_\-.$/~"'@:+&*?=%,;()[\]{}|^!#<>\\ ]{1,128}$/,
    'http-header': /^.{1,128}$/,
    'http-request-method': /^[A-Z_-]{1,40}$/,
    'query-string': /^.{1,257}$/,
    'source-ip': /^[0-9a-fA-F.:]+\/\d{1,3}$/,
  }[field];
  if (!valid.test(value)) throw validationError(`The value '${value}' of the '${field}' condition is not valid`);
}

export function conditionXml(condition: Condition): XmlValue {
  const { field, values, httpHeaderName } = condition;
  if (field === 'query-string') return { Field: field, QueryStringConfig: { Values: values.map(pairXml) } };
  const config = { [CONFIGS[field]]: { HttpHeaderName: httpHeaderName, Values: values } };
  // Only the two oldest fields repeat their values outside the structure.
  return field === 'host-header' || field === 'path-pattern'
    ? { Field: field, Values: values, ...config }
    : { Field: field, ...config };
}

function pairXml(value: string): XmlValue {
  const at = value.indexOf('=');
  return at < 0 ? { Value: value } : { Key: value.slice(0, at), Value: value.slice(at + 1) };
}
