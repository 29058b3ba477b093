import {
  CreateRuleCommand,
  DeleteRuleCommand,
  ModifyRuleCommand,
  type Rule,
  SetRulePrioritiesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { RuleSpec } from '../model/stack.ts';
import { actionText, conditionsText, type TargetGroupArns, toAction, toCondition } from './actions.ts';
import { call, type Elb, hasCode, rules as readRules } from './aws.ts';
import { type TagStore, tagList } from './tags.ts';

const LAST_PRIORITY = 50_000;

interface Wanted {
  priority: number;
  spec: RuleSpec;
}

export interface RulePlan {
  /** Rules that keep their settings at another priority, and surplus ones that stand in their way, in one call. */
  priorities: { arn: string; priority: number }[];
  modified: { arn: string; wanted: Wanted }[];
  created: Wanted[];
  deleted: string[];
  /** All rules that stay, for their tags. */
  kept: { arn: string; wanted: Wanted }[];
}

/**
 * How the rules of a listener become the wanted ones: those with equal settings are moved, then those at an equal priority are modified in place, the rest is created
 * and deleted. Pure.
 */
export function planRules(specs: readonly RuleSpec[], actual: readonly Rule[], arns: TargetGroupArns): RulePlan {
  const free = new Map(
    actual.flatMap((rule) => (rule.IsDefault || !rule.RuleArn ? [] : [[rule.RuleArn, rule] as const])),
  );
  const used = new Set([...free.values()].map(({ Priority }) => Number(Priority)));
  const plan: RulePlan = { priorities: [], modified: [], created: [], deleted: [], kept: [] };
  const unmatched: Wanted[] = [];
  for (const [index, spec] of specs.entries()) {
    const wanted = { priority: index + 1, spec };
    const text = specText(spec, arns);
    const candidates = [...free].filter(([, rule]) => ruleText(rule) === text);
    const found = candidates.find(([, rule]) => Number(rule.Priority) === wanted.priority) ?? candidates[0];
    if (!found) {
      unmatched.push(wanted);
      continue;
    }
    const [arn, rule] = found;
    free.delete(arn);
    plan.kept.push({ arn, wanted });
    if (Number(rule.Priority) !== wanted.priority) plan.priorities.push({ arn, priority: wanted.priority });
  }
  for (const wanted of unmatched) {
    const found = [...free].find(([, rule]) => Number(rule.Priority) === wanted.priority);
    if (!found) {
      plan.created.push(wanted);
      continue;
    }
    free.delete(found[0]);
    plan.kept.push({ arn: found[0], wanted });
    plan.modified.push({ arn: found[0], wanted });
  }
  plan.deleted = [...free.keys()];
  // A surplus rule is deleted last, so it must not hold a priority that a wanted rule needs.
  let spare = LAST_PRIORITY;
  for (const [arn, rule] of free) {
    if (Number(rule.Priority) > specs.length) continue;
    while (used.has(spare)) spare -= 1;
    used.add(spare);
    plan.priorities.push({ arn, priority: spare });
  }
  return plan;
}

const specText = (spec: RuleSpec, arns: TargetGroupArns) =>
  `${conditionsText(spec.conditions.map(toCondition))}\n${actionText(toAction(spec.action, arns))}`;
const ruleText = (rule: Rule) => `${conditionsText(rule.Conditions ?? [])}\n${actionText(rule.Actions?.[0])}`;

/** Brings the rules of a listener to the wanted ones: create before delete, reversed when the quota is in the way. */
export async function deployRules(
  elb: Elb,
  tags: TagStore,
  ListenerArn: string,
  specs: readonly RuleSpec[],
  arns: TargetGroupArns,
  beforeCreate: () => Promise<void>,
): Promise<void> {
  const plan = planRules(specs, await readRules(elb, ListenerArn), arns);
  for (const { arn, wanted } of plan.kept) await tags.reconcile(arn, wanted.spec.tags);
  if (plan.priorities.length > 0) {
    const RulePriorities = plan.priorities.map(({ arn, priority }) => ({ RuleArn: arn, Priority: priority }));
    await call('SetRulePriorities', () => elb.send(new SetRulePrioritiesCommand({ RulePriorities })));
  }
  for (const { arn, wanted } of plan.modified) {
    await call('ModifyRule', () => elb.send(new ModifyRuleCommand({ RuleArn: arn, ...settings(wanted.spec, arns) })));
  }
  if (plan.created.length > 0) await beforeCreate();
  const create = ({ priority, spec }: Wanted) =>
    call('CreateRule', () =>
      elb.send(
        new CreateRuleCommand({ ListenerArn, Priority: priority, ...settings(spec, arns), Tags: tagList(spec.tags) }),
      ),
    );
  const created = [...plan.created];
  const deleted = [...plan.deleted];
  try {
    for (let next = created[0]; next; next = created[0]) {
      await create(next);
      created.shift();
    }
  } catch (error) {
    if (!hasCode(error, 'TooManyRules')) throw error;
    await deleteRules(elb, deleted);
    deleted.length = 0;
    for (const wanted of created) await create(wanted).catch(tooMany);
  }
  await deleteRules(elb, deleted);
}

function settings(spec: RuleSpec, arns: TargetGroupArns) {
  return { Conditions: spec.conditions.map(toCondition), Actions: [toAction(spec.action, arns)] };
}

async function deleteRules(elb: Elb, arns: readonly string[]): Promise<void> {
  for (const RuleArn of arns) {
    await call('DeleteRule', () => elb.send(new DeleteRuleCommand({ RuleArn })));
  }
}

function tooMany(error: unknown): never {
  if (hasCode(error, 'TooManyRules'))
    throw new Error("Unable to synthesize listener rules, there's too many attached.");
  throw error;
}
