import { AwsError, validationError } from '../errors.ts';
import type { Rule } from '../model.ts';
import { ruleArn } from '../names.ts';
import type { Params } from '../query.ts';
import type { XmlValue } from '../xml.ts';
import { actionXml, readActions } from './actions.ts';
import { conditionXml, readConditions } from './conditions.ts';
import {
  type ActionHandler,
  byPriority,
  getListener,
  getRule,
  look,
  priorityRank,
  rulesOf,
  visibleItems,
} from './context.ts';
import { page } from './paging.ts';
import { checkBalancerQuotas } from './quotas.ts';
import { readTags } from './tags.ts';

/** Not idempotent: a repeat at the same priority is `PriorityInUse`, at another one a second rule. */
export const createRule: ActionHandler = (context, params) => {
  const { tables, moment, lifecycle, limits } = context;
  const listener = getListener(context, params.required('ListenerArn'));
  const priority = readPriority(params);
  const rule: Rule = {
    arn: ruleArn(listener.arn),
    listenerArn: listener.arn,
    loadBalancerArn: listener.loadBalancerArn,
    priority,
    conditions: readConditions(params.list('Conditions') ?? [], limits),
    actions: readActions(context, params.list('Actions') ?? []),
    visibleAt: moment.after(lifecycle.visibilityDelaySeconds),
    tags: readTags(params) ?? {},
  };
  if (rulesOf(tables, listener.arn).some((each) => each.priority === priority)) throw priorityInUse(priority);
  tables.rules.set(rule.arn, rule);
  checkBalancerQuotas(context, listener.loadBalancerArn);
  return { Rules: [ruleXml(rule)] };
};

export const describeRules: ActionHandler = (context, params) => {
  const { tables } = context;
  const arns = params.texts('RuleArns') ?? [];
  const listener = params.text('ListenerArn');
  if (arns.length > 0 === (listener !== undefined))
    throw validationError('Either a listener ARN or rule ARNs must be specified');
  if (listener !== undefined) look(context, tables.listeners, 'listener', listener);
  for (const arn of arns) look(context, tables.rules, 'rule', arn);
  const chosen = visibleItems(context, tables.rules)
    .filter((rule) => (listener === undefined ? arns.includes(rule.arn) : rule.listenerArn === listener))
    .sort((a, b) => (listener === undefined ? 0 : byPriority(a, b)));
  const key = (rule: Rule) => (listener === undefined ? rule.arn : String(priorityRank(rule)).padStart(16, '0'));
  const { items, marker } = page(params, `rules/${listener ?? ''}`, chosen, key);
  return { Rules: items.map(ruleXml), NextMarker: marker };
};

/** Conditions and actions that are not given stay as they are. */
export const modifyRule: ActionHandler = (context, params) => {
  const rule = getRule(context, params.required('RuleArn'));
  if (rule.priority === 'default')
    throw new AwsError('OperationNotPermitted', `Default rule '${rule.arn}' cannot be modified`);
  const conditions = params.list('Conditions');
  const actions = params.list('Actions');
  const changed: Rule = {
    ...rule,
    ...(conditions === undefined ? {} : { conditions: readConditions(conditions, context.limits) }),
    ...(actions === undefined ? {} : { actions: readActions(context, actions) }),
  };
  context.tables.rules.set(rule.arn, changed);
  checkBalancerQuotas(context, rule.loadBalancerArn);
  return { Rules: [ruleXml(changed)] };
};

export const deleteRule: ActionHandler = (context, params) => {
  const rule = getRule(context, params.required('RuleArn'));
  if (rule.priority === 'default')
    throw new AwsError('OperationNotPermitted', `Default rule '${rule.arn}' cannot be deleted`);
  context.tables.rules.delete(rule.arn);
  return {};
};

/** Moves rules at once, so two rules can swap their priorities. */
export const setRulePriorities: ActionHandler = (context, params) => {
  const { tables } = context;
  const pairs = (params.list('RulePriorities') ?? []).map((pair) => ({
    rule: getRule(context, pair.required('RuleArn')),
    priority: readPriority(pair),
  }));
  if (pairs.length === 0) throw validationError('At least one rule priority must be specified');
  if (new Set(pairs.map(({ rule }) => rule.arn)).size < pairs.length)
    throw validationError('A rule was specified more than once');
  for (const { rule, priority } of pairs) {
    if (rule.priority === 'default')
      throw new AwsError('OperationNotPermitted', `The priority of default rule '${rule.arn}' cannot be set`);
    tables.rules.set(rule.arn, { ...rule, priority });
  }
  for (const { rule, priority } of pairs) {
    const holders = rulesOf(tables, rule.listenerArn).filter((each) => each.priority === priority);
    if (holders.length > 1) throw priorityInUse(priority);
  }
  return { Rules: pairs.map(({ rule }) => ruleXml(getRule(context, rule.arn))) };
};

function readPriority(params: Params): number {
  const priority = params.integer('Priority', 1, 50_000);
  if (priority === undefined) throw validationError('A priority must be specified');
  return priority;
}

const priorityInUse = (priority: number) => new AwsError('PriorityInUse', `Priority '${priority}' is currently in use`);

const ruleXml = (rule: Rule): XmlValue => ({
  RuleArn: rule.arn,
  Priority: String(rule.priority),
  Conditions: rule.conditions.map(conditionXml),
  Actions: rule.actions.map(actionXml),
  IsDefault: rule.priority === 'default',
});
