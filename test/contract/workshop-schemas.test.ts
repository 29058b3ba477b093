import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { readWith } from '../../contract/schemas/fields.ts';
import * as requests from '../../contract/schemas/workshop.ts';
import type * as answers from '../../contract/schemas/workshop-answers.ts';
import type { ProvisionAutoscalerInput, WorkshopSweepInput } from '../../contract/workshop/input.ts';
import type { OverrideRequest, PauseRequest } from '../../contract/workshop/messages.ts';
import type { AutoscalerStatus, Decision, DecisionExplanation } from '../../contract/workshop/status.ts';

test('the workshop schemas say exactly what the types say', () => {
  expectTypeOf<z.infer<typeof requests.provisionAutoscalerInputSchema>>().toEqualTypeOf<ProvisionAutoscalerInput>();
  expectTypeOf<z.infer<typeof requests.workshopSweepInputSchema>>().toEqualTypeOf<WorkshopSweepInput>();
  expectTypeOf<z.infer<typeof requests.pauseRequestSchema>>().toEqualTypeOf<PauseRequest>();
  expectTypeOf<z.infer<typeof requests.overrideRequestSchema>>().toEqualTypeOf<OverrideRequest>();
  expectTypeOf<z.infer<typeof answers.decisionSchema>>().toEqualTypeOf<Decision>();
  expectTypeOf<z.infer<typeof answers.decisionExplanationSchema>>().toEqualTypeOf<DecisionExplanation>();
  expectTypeOf<z.infer<typeof answers.autoscalerStatusSchema>>().toEqualTypeOf<AutoscalerStatus>();
});

const provision = { cluster: 'prod', namespace: 'user-1', name: 'lab.2026' };

test.each([
  ['a provision', provision, []],
  ['a field that is not known', { ...provision, later: 1 }, []],
  ['no name', { cluster: 'prod', namespace: 'user-1' }, ['name']],
  ['a name of 64 characters', { ...provision, name: 'n'.repeat(64) }, ['name']],
  ['a slash in the cluster', { ...provision, cluster: 'a/b' }, ['cluster']],
])('zod and JSON Schema agree on %s', async (_, input, wrong) => {
  const reading = readWith(requests.provisionAutoscalerInputSchema, input);
  expect(reading.ok ? [] : reading.fields.map(({ path }) => path)).toEqual(wrong);
  const text = await readFile('contract/schemas/json/provision-autoscaler-input.json', 'utf8');
  expect(new Ajv2020({ strict: true, strictRequired: false }).compile(JSON.parse(text))(input)).toBe(
    wrong.length === 0,
  );
});
