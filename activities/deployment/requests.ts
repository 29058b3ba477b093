import type { z } from 'zod';
import {
  deploymentDeletionInputSchema,
  deploymentInputSchema,
  diagnosisInputSchema,
  instanceRestartInputSchema,
} from '../../contract/schemas/deployment.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import {
  type DeploymentRequest,
  type DeploymentTarget,
  resolveDeployment,
  resolveTarget,
} from '../../domain/deployment/request.ts';
import type { DeploymentSettings } from '../../domain/deployment/settings.ts';
import { invalidInput } from '../failures.ts';

/** Validation, first thing in a run. Pure: running it twice gives the same answer. */

/** Checks the input's shape, then decides every knob. Fails with `InvalidInput` naming every wrong field. */
export function acceptDeployment(settings: DeploymentSettings, input: unknown): DeploymentRequest {
  const resolution = resolveDeployment(parse(deploymentInputSchema, input), settings);
  if (!resolution.ok) throw invalidInput(resolution.problems);
  return resolution.request;
}

const targets = {
  deletion: deploymentDeletionInputSchema,
  restart: instanceRestartInputSchema,
  diagnosis: diagnosisInputSchema,
} as const;

export type TargetKind = keyof typeof targets;

/** The scope that a deletion, a restart or a diagnosis is about. */
export function acceptTarget(settings: DeploymentSettings, kind: TargetKind, input: unknown): DeploymentTarget {
  const resolution = resolveTarget(
    parse(targets[kind] as z.ZodType<z.infer<(typeof targets)['deletion']>>, input),
    settings,
  );
  if (!resolution.ok) throw invalidInput(resolution.problems);
  return resolution.target;
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const reading = readWith(schema, input);
  if (reading.ok) return reading.value;
  throw invalidInput(reading.fields);
}
