import { z } from 'zod';
import { type AutoScalingConfig, scalingStrategies, seatScopes, type WorkshopSweepResult } from '../workshop/input.ts';
import type { ApproveAnswer, CancelAnswer, OverrideAnswer, PauseAnswer, ResumeAnswer } from '../workshop/messages.ts';
import {
  type AutoscalerHistory,
  type AutoscalerStatus,
  autoscalerPhases,
  clips,
  type Decision,
  type DecisionExplanation,
  decisionReasons,
  operationResults,
} from '../workshop/status.ts';

/** What the workshop room answers. Later versions may add fields: ignore what you do not know. */

const time = z.iso.datetime().describe('ISO 8601 in UTC');
const count = z.int().min(0);
const action = z.enum(['none', 'scaleUp', 'scaleDown']);
const reason = z.enum(decisionReasons);

const autoScalingConfig = z.object({
  enabled: z.boolean(),
  threshold: z.number(),
  scaleFactor: z.number(),
  maxProvisions: count,
  strategy: z.enum(scalingStrategies),
  scope: z.enum(seatScopes),
  minProvisions: count,
  minAvailable: count.exactOptional(),
  maxStep: count.exactOptional(),
  cooldownSeconds: z.number(),
  stabilizationSeconds: z.number(),
  completionTimeoutSeconds: z.number(),
  approvalAbove: count.exactOptional(),
  respectLock: z.boolean(),
  scaleFromZero: z.boolean(),
  dryRun: z.boolean(),
  scaleDown: z.object({ enabled: z.boolean(), threshold: z.number(), delaySeconds: z.number() }),
}) satisfies z.ZodType<AutoScalingConfig>;

const decisionInputs = z.object({
  count,
  assignedSeats: count,
  totalSeats: count,
  freeSeats: count,
  utilization: z.number().nullable().describe('0 to 1; null without seats'),
  projection: z.number().nullable().describe('Utilisation when the claims on their way are there'),
  seatsPerClaim: z.int().min(1),
  inFlightClaims: count,
  inFlightSeats: count,
  liveClaims: count,
  completeClaims: count,
  activeClaims: count,
  failedClaims: count,
  pendingClaims: count,
  provisioningClaims: count,
  breakerOpen: z.boolean(),
  cap: count.nullable(),
  need: z.int().nullable(),
  expectedProvisioningSeconds: z.number(),
  generation: count,
  resourceVersion: z.string(),
  workshopGeneration: count,
});

export const decisionSchema = z
  .object({
    at: time,
    action,
    reason,
    message: z.string(),
    until: time.describe('When the answer may change by itself').exactOptional(),
    rawTarget: count.exactOptional(),
    target: count.exactOptional(),
    clips: z.array(z.enum(clips)),
    inputs: decisionInputs,
    config: autoScalingConfig.exactOptional(),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  })
  .meta({ title: 'Decision' }) satisfies z.ZodType<Decision>;

const decisionRecord = z.object({
  at: time,
  lastAt: time,
  times: z.int().min(1),
  action,
  reason,
  message: z.string(),
  count,
  target: count.exactOptional(),
  assignedSeats: count,
  totalSeats: count,
  inFlightClaims: count,
});

export const autoscalerHistorySchema = z
  .object({ decisions: z.array(decisionRecord).describe('Newest last') })
  .meta({ title: 'AutoscalerHistory' }) satisfies z.ZodType<AutoscalerHistory>;

export const decisionExplanationSchema = z
  .object({
    at: time,
    reason,
    summary: z.string(),
    checks: z.array(
      z.object({
        number: z.int(),
        reasons: z.array(reason),
        outcome: z.enum(['passed', 'stopped', 'not reached']),
        words: z.string(),
      }),
    ),
  })
  .meta({ title: 'DecisionExplanation' }) satisfies z.ZodType<DecisionExplanation>;

export const autoscalerStatusSchema = z
  .object({
    cluster: z.string(),
    namespace: z.string(),
    provision: z.string(),
    workshop: z.string().exactOptional(),
    uid: z.string().exactOptional(),
    phase: z.enum(autoscalerPhases),
    decision: decisionSchema.exactOptional(),
    operation: z
      .object({
        id: z.string(),
        direction: z.enum(['up', 'down']),
        step: z.string(),
        fromCount: count,
        targetCount: count,
        startedAt: time,
        deadline: time,
      })
      .exactOptional(),
    nextEvaluation: time.exactOptional(),
    paused: z
      .object({
        source: z.enum(['message', 'annotation']),
        on: z.enum(['workshop', 'provision']).exactOptional(),
        reason: z.string(),
        by: z.string().exactOptional(),
        until: time.exactOptional(),
      })
      .exactOptional(),
    override: z.object({ maxProvisions: count, until: time, by: z.string().exactOptional() }).exactOptional(),
    approval: z
      .object({ operationId: z.string(), fromCount: count, targetCount: count, granted: z.boolean() })
      .exactOptional(),
    cooldownUntil: time.exactOptional(),
    backoff: z.object({ reason: z.string(), message: z.string(), until: time }).exactOptional(),
    lastResult: z.enum(operationResults).exactOptional(),
    lastScaleTime: time.exactOptional(),
    counters: z.object({
      evaluations: count,
      countWrites: count,
      conflicts: count,
      operations: count,
      continuations: count,
    }),
  })
  .meta({ title: 'AutoscalerStatus' }) satisfies z.ZodType<AutoscalerStatus>;

export const workshopSweepResultSchema = z
  .object({
    cluster: z.string(),
    workshops: count.describe('With autoscaling enabled'),
    provisions: count,
    flagged: count.describe('Provisions whose flag is set'),
    signalled: count,
  })
  .meta({ title: 'WorkshopSweepResult' }) satisfies z.ZodType<WorkshopSweepResult>;

export const pauseAnswerSchema = z
  .object({ paused: z.literal(true), until: time.exactOptional() })
  .meta({ title: 'PauseAnswer' }) satisfies z.ZodType<PauseAnswer>;

export const resumeAnswerSchema = z
  .object({ resumed: z.boolean(), stillPaused: z.string().exactOptional() })
  .meta({ title: 'ResumeAnswer' }) satisfies z.ZodType<ResumeAnswer>;

export const cancelAnswerSchema = z
  .object({ operationId: z.string().exactOptional(), droppedApproval: z.string().exactOptional() })
  .meta({ title: 'CancelAnswer' }) satisfies z.ZodType<CancelAnswer>;

export const approveAnswerSchema = z
  .object({ operationId: z.string(), targetCount: count })
  .meta({ title: 'ApproveAnswer' }) satisfies z.ZodType<ApproveAnswer>;

export const overrideAnswerSchema = z
  .object({ maxProvisions: count.exactOptional(), until: time.exactOptional() })
  .meta({ title: 'OverrideAnswer' }) satisfies z.ZodType<OverrideAnswer>;
