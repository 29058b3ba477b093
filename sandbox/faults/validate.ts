import { z } from 'zod';
import type { FaultRule } from './plan.ts';

const name = z.string().min(1, 'must not be empty');
const expression = z.string().superRefine((source, context) => {
  try {
    new RegExp(source);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `no regular expression: ${(error as Error).message}` });
  }
});

const effect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), ms: z.number().min(0) }),
  z.strictObject({ kind: z.literal('throttle') }),
  z.strictObject({
    kind: z.literal('error'),
    code: name,
    status: z.int().min(400).max(599),
    message: z.string().exactOptional(),
  }),
  z.strictObject({ kind: z.literal('reset') }),
  z.strictObject({ kind: z.literal('hang') }),
  z.strictObject({ kind: z.literal('truncate') }),
  z.strictObject({ kind: z.literal('garbage') }),
  z.strictObject({ kind: z.literal('stale-read') }),
]);

const rule = z
  .strictObject({
    id: name.exactOptional(),
    match: z.strictObject({
      service: z.enum(['elbv2', 'route53', 'sts', 'kubernetes']),
      action: name.exactOptional(),
      method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).exactOptional(),
      path: expression.exactOptional(),
      resource: expression.exactOptional(),
      caller: name.exactOptional(),
    }),
    when: z.enum(['before', 'after']).exactOptional(),
    skip: z.int().min(0).exactOptional(),
    times: z.int().min(1).exactOptional(),
    probability: z.number().min(0).max(1).exactOptional(),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .exactOptional(),
    effect,
  })
  .refine((value) => value.effect.kind !== 'stale-read' || value.when !== 'after', {
    path: ['when'],
    message: 'must be before for a stale read, which has no later moment',
  });

/**
 * Reads a rule that may come from outside (HTTP, command line). Returns a copy of it, or throws an `Error` whose message
 * has one line per wrong field: its path and what is wrong with it.
 */
export function validateFaultRule(input: unknown): FaultRule {
  const result = rule.safeParse(input);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join('.') || 'rule'}: ${issue.message}`).join('\n'));
}
