import { z } from 'zod';
import type { ProvisionAutoscalerInput, WorkshopSweepInput } from '../workshop/input.ts';
import type {
  ApproveRequest,
  CancelRequest,
  EvaluateRequest,
  OverrideRequest,
  PauseRequest,
  ResumeRequest,
} from '../workshop/messages.ts';

/** What a caller may send to the workshop room. Unknown fields are ignored. */

const label = (what: string) =>
  z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      'must be 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
    )
    .describe(what);

/** Object names may hold dots (RFC 1123 subdomain); the platform bounds them by 63 characters. */
const objectName = z
  .string()
  .regex(
    /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/,
    'must be 1 to 63 of a-z, 0-9, "-" and ".", beginning and ending with a letter or digit',
  );

const cluster = label('Name of the cluster, as the worker is configured with it');

export const provisionAutoscalerInputSchema = z
  .object({
    cluster,
    namespace: label('Namespace of the provision'),
    name: objectName.describe('Name of the WorkshopProvision'),
    uid: z.string().min(1, 'must not be empty').optional().describe('What the starter saw; the run follows the object'),
  })
  .meta({ title: 'ProvisionAutoscalerInput' }) satisfies z.ZodType<ProvisionAutoscalerInput>;

export const workshopSweepInputSchema = z
  .object({ cluster, namespace: label('Absent: all namespaces').optional() })
  .meta({ title: 'WorkshopSweepInput' }) satisfies z.ZodType<WorkshopSweepInput>;

const by = z.string().describe('Who asks, for the record').exactOptional();
const time = z.iso.datetime({ offset: true }).describe('ISO 8601');

export const pauseRequestSchema = z
  .object({ reason: z.string().min(1, 'must not be empty'), until: time.exactOptional(), by })
  .meta({ title: 'PauseRequest' }) satisfies z.ZodType<PauseRequest>;

export const resumeRequestSchema = z.object({ by }).meta({ title: 'ResumeRequest' }) satisfies z.ZodType<ResumeRequest>;

export const evaluateRequestSchema = z
  .object({ dryRun: z.boolean().describe('Decide and answer only').exactOptional() })
  .meta({ title: 'EvaluateRequest' }) satisfies z.ZodType<EvaluateRequest>;

export const cancelRequestSchema = z
  .object({ reason: z.string().exactOptional(), by })
  .meta({ title: 'CancelRequest' }) satisfies z.ZodType<CancelRequest>;

export const approveRequestSchema = z
  .object({ operationId: z.string().regex(/^\d+-[0-9a-f]{8}$/, 'must be the id of the operation that waits'), by })
  .meta({ title: 'ApproveRequest' }) satisfies z.ZodType<ApproveRequest>;

export const overrideRequestSchema = z
  .object({
    maxProvisions: z.int().min(1).describe('Absent: the override is removed').exactOptional(),
    until: time.describe('ISO 8601, at most 30 days ahead; required with maxProvisions').exactOptional(),
    by,
  })
  .meta({ title: 'OverrideRequest' }) satisfies z.ZodType<OverrideRequest>;
