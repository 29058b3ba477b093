import { AwsError, validationError } from '../errors.ts';
import { isVisible, type Lifecycle, type Moment } from '../lifecycle.ts';
import type { Limits } from '../limits.ts';
import type { Listener, LoadBalancer, RegionTables, Rule, TargetGroup } from '../model.ts';
import { arnKind, type ResourceKind } from '../names.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';

/** What an action works with. Actions that only read must not touch the tables. */
export interface Context {
  readonly region: string;
  readonly accountId: string;
  readonly tables: RegionTables;
  readonly moment: Moment;
  readonly lifecycle: Lifecycle;
  readonly limits: Limits;
  /** Real milliseconds from the start of health checks until a target is healthy. */
  readonly healthWaitMs: number;
}

/** An ELBv2 action: reads its parameters, works on the tables, gives the content of its result element. */
export type ActionHandler = (context: Context, params: Params) => XmlValue;

const NOT_FOUND: Record<ResourceKind, [code: string, message: string]> = {
  'load balancer': ['LoadBalancerNotFound', 'One or more load balancers not found'],
  listener: ['ListenerNotFound', 'One or more listeners not found'],
  rule: ['RuleNotFound', 'One or more rules not found'],
  'target group': ['TargetGroupNotFound', 'One or more target groups not found'],
};

export const notFound = (kind: ResourceKind, detail?: string) =>
  new AwsError(NOT_FOUND[kind][0], detail ?? NOT_FOUND[kind][1]);

/** The record of an ARN for a mutation, which sees it as soon as it exists. */
export const getLoadBalancer = ({ tables }: Context, arn: string): LoadBalancer =>
  get(tables.loadBalancers, 'load balancer', arn);
export const getListener = ({ tables }: Context, arn: string): Listener => get(tables.listeners, 'listener', arn);
export const getRule = ({ tables }: Context, arn: string): Rule => get(tables.rules, 'rule', arn);
export const getTargetGroup = ({ tables }: Context, arn: string): TargetGroup =>
  get(tables.targetGroups, 'target group', arn);

function get<Item>(table: ReadonlyMap<string, Item>, kind: ResourceKind, arn: string): Item {
  requireArn(kind, arn);
  const item = table.get(arn);
  if (item === undefined) throw notFound(kind);
  return item;
}

/** The record of an ARN for a read, which sees it only when its visibility delay has passed. */
export function look<Item extends { readonly visibleAt: number }>(
  { moment }: Context,
  table: ReadonlyMap<string, Item>,
  kind: ResourceKind,
  arn: string,
): Item {
  const item = get(table, kind, arn);
  if (!isVisible(item, moment.now)) throw notFound(kind);
  return item;
}

export function requireArn(kind: ResourceKind, arn: string): void {
  if (arnKind(arn) !== kind) throw validationError(`'${arn}' is not a valid ${kind} ARN`);
}

/** The records that reads see, in the order of paging. */
export const visibleItems = <Item extends { readonly arn: string; readonly visibleAt: number }>(
  { moment }: Context,
  table: ReadonlyMap<string, Item>,
): Item[] => [...table.values()].filter((item) => isVisible(item, moment.now)).sort(byArn);

export const byArn = (a: { readonly arn: string }, b: { readonly arn: string }) =>
  a.arn < b.arn ? -1 : a.arn > b.arn ? 1 : 0;

/** The rules of a listener in the order of their priorities, the default one last. */
export const rulesOf = (tables: RegionTables, listener: string): Rule[] =>
  [...tables.rules.values()].filter((rule) => rule.listenerArn === listener).sort(byPriority);

export const byPriority = (a: Rule, b: Rule) => priorityRank(a) - priorityRank(b);

export const priorityRank = (rule: Rule) => (rule.priority === 'default' ? Number.MAX_SAFE_INTEGER : rule.priority);
