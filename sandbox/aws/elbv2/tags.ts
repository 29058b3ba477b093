import { AwsError, validationError } from '../errors.ts';
import { TAGS_PER_RESOURCE } from '../limits.ts';
import type { RegionTables, Tags } from '../model.ts';
import { arnKind, type ResourceKind } from '../names.ts';
import type { Params } from '../query.ts';
import { type ActionHandler, type Context, look, notFound } from './context.ts';

const ARNS_PER_CALL = 20;

export const describeTags: ActionHandler = (context, params) => ({
  TagDescriptions: arnsOf(params).map((arn) => ({
    ResourceArn: arn,
    Tags: Object.entries(visibleTags(context, arn)).map(([Key, Value]) => ({ Key, Value })),
  })),
});

export const addTags: ActionHandler = (context, params) => {
  const added = readTags(params) ?? {};
  if (Object.keys(added).length === 0) throw validationError('At least one tag must be specified');
  changeTags(context, arnsOf(params), (tags) => ({ ...tags, ...added }));
  return {};
};

export const removeTags: ActionHandler = (context, params) => {
  const removed = new Set(params.texts('TagKeys') ?? []);
  if (removed.size === 0) throw validationError('At least one tag key must be specified');
  changeTags(context, arnsOf(params), (tags) =>
    Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(key))),
  );
  return {};
};

/** The `Tags` of a request, undefined when it has none. */
export function readTags(params: Params): Tags | undefined {
  const list = params.list('Tags');
  if (list === undefined) return undefined;
  const pairs = list.map((tag): [string, string] => {
    const key = tag.bounded('Key', 128);
    if (key === undefined) throw validationError('A tag key must not be null');
    const value = tag.text('Value') ?? '';
    if (value.length > 256) throw validationError(`The value of tag '${key}' is longer than 256 characters`);
    if (key.toLowerCase().startsWith('aws:'))
      throw validationError(`Tag key '${key}' begins with the reserved prefix 'aws:'`);
    return [key, value];
  });
  const keys = new Set(pairs.map(([key]) => key));
  if (keys.size < pairs.length) throw new AwsError('DuplicateTagKeys', 'A tag key was specified more than once');
  requireRoom(keys.size);
  return Object.fromEntries(pairs);
}

/** Whether a record carries all tags of a repeated create request. */
export const carries = (tags: Tags, requested: Tags | undefined) =>
  Object.entries(requested ?? {}).every(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);

function requireRoom(count: number): void {
  if (count > TAGS_PER_RESOURCE) {
    throw new AwsError(
      'TooManyTags',
      `A resource can have at most ${TAGS_PER_RESOURCE} tags, this one would have ${count}`,
    );
  }
}

function arnsOf(params: Params): string[] {
  const arns = params.texts('ResourceArns') ?? [];
  if (arns.length === 0) throw validationError('At least one resource ARN must be specified');
  if (arns.length > ARNS_PER_CALL)
    throw validationError(`At most ${ARNS_PER_CALL} resource ARNs can be specified, got ${arns.length}`);
  return arns;
}

function visibleTags(context: Context, arn: string): Tags {
  const kind = kindOf(arn);
  return look<{ visibleAt: number; tags: Tags }>(context, tableOf(context.tables, kind), kind, arn).tags;
}

function changeTags({ tables }: Context, arns: string[], change: (tags: Tags) => Tags): void {
  for (const arn of arns) {
    const kind = kindOf(arn);
    const table: Map<string, { readonly tags: Tags }> = tableOf(tables, kind);
    const record = table.get(arn);
    if (record === undefined) throw notFound(kind);
    const tags = change(record.tags);
    requireRoom(Object.keys(tags).length);
    table.set(arn, { ...record, tags });
  }
}

function kindOf(arn: string): ResourceKind {
  const kind = arnKind(arn);
  if (kind === undefined) throw validationError(`'${arn}' is not a valid ARN`);
  return kind;
}

/** The four tables seen as what they share. Only `tags` of a record is replaced through this view. */
function tableOf(tables: RegionTables, kind: ResourceKind): Map<string, { visibleAt: number; tags: Tags }> {
  const table = {
    'load balancer': tables.loadBalancers,
    listener: tables.listeners,
    rule: tables.rules,
    'target group': tables.targetGroups,
  }[kind];
  return table as unknown as Map<string, { visibleAt: number; tags: Tags }>;
}
