import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { Failure } from '../../contract/failures.ts';
import { readWith } from '../../contract/schemas/fields.ts';
import { scopeCreationInputSchema, scopeDeletionInputSchema } from '../../contract/schemas/scope.ts';
import type * as answers from '../../contract/schemas/scope-answers.ts';
import { scopeCreationResultSchema, scopePlanSchema, scopeStatusSchema } from '../../contract/schemas/scope-answers.ts';
import type { ScopeCreationInput, ScopeDeletionInput } from '../../contract/scope/input.ts';
import type { ScopeCreationResult, ScopeDeletionResult, ScopePlan, ScopeStatus } from '../../contract/scope/status.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const published = join(root, 'contract/schemas/json');

const slugs = { account: 'acme', namespace: 'payments', application: 'api', scope: 'prod' };
const smallest = { scopeId: '123', slugs, visibility: 'public' };

async function validator(name: string) {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    formats: { 'date-time': true },
  });
  return ajv.compile(JSON.parse(await readFile(join(published, `${name}.json`), 'utf8')));
}

describe('the schemas', () => {
  test('say exactly what the types say', () => {
    expectTypeOf<z.infer<typeof scopeCreationInputSchema>>().toEqualTypeOf<ScopeCreationInput>();
    expectTypeOf<z.infer<typeof scopeDeletionInputSchema>>().toEqualTypeOf<ScopeDeletionInput>();
    expectTypeOf<z.infer<typeof answers.scopeCreationResultSchema>>().toEqualTypeOf<ScopeCreationResult>();
    expectTypeOf<z.infer<typeof answers.scopePlanSchema>>().toEqualTypeOf<ScopePlan>();
    expectTypeOf<z.infer<typeof answers.scopeDeletionResultSchema>>().toEqualTypeOf<ScopeDeletionResult>();
    expectTypeOf<z.infer<typeof answers.scopeStatusSchema>>().toEqualTypeOf<ScopeStatus>();
    expectTypeOf<z.infer<typeof answers.failureSchema>>().toEqualTypeOf<Failure>();
  });

  test('are published as valid JSON Schema of draft 2020-12, each with a title', async () => {
    const names = (await readdir(published)).map((name) => name.replace(/\.json$/, ''));
    expect(names.sort()).toEqual([
      'approve-answer',
      'approve-request',
      'autoscaler-history',
      'autoscaler-status',
      'cancel-answer',
      'cancel-request',
      'cancel-wait',
      'decision',
      'decision-explanation',
      'deployment-deletion-input',
      'deployment-deletion-result',
      'deployment-deletion-status',
      'deployment-input',
      'deployment-plan',
      'deployment-result',
      'deployment-status',
      'diagnosis-input',
      'diagnosis-result',
      'drift-report',
      'evaluate-request',
      'failure',
      'finalize',
      'instance-restart-input',
      'instance-restart-result',
      'inventory-input',
      'inventory-page',
      'ip-claim-abandoned',
      'ip-claim-answer',
      'ip-claim-input',
      'ip-claim-status',
      'ip-inventory-input',
      'ip-inventory-result',
      'ip-pool',
      'ip-pool-change-input',
      'ip-pool-change-result',
      'ip-pool-creation-input',
      'ip-pool-creation-result',
      'ip-pool-deletion-input',
      'ip-pool-deletion-result',
      'ip-release-input',
      'ip-release-result',
      'ip-renewal-input',
      'ip-renewal-result',
      'ip-run-status',
      'ip-sweep-report',
      'override-answer',
      'override-request',
      'pause',
      'pause-answer',
      'pause-request',
      'provision-autoscaler-input',
      'resume',
      'resume-answer',
      'resume-request',
      'retirement-result',
      'retirement-status',
      'retry-now',
      'rollback',
      'scope-creation-input',
      'scope-creation-result',
      'scope-deletion-input',
      'scope-deletion-result',
      'scope-plan',
      'scope-status',
      'switch-traffic',
      'workshop-sweep-input',
      'workshop-sweep-result',
    ]);
    for (const name of names) {
      const { schema } = await validator(name);
      expect(schema).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: expect.stringMatching(/^[A-Z]/),
      });
    }
  });

  test.each([
    ['the smallest input', smallest, true],
    ['a field that is not known', { ...smallest, later: 1 }, true],
    [
      'knobs as text and as null',
      { ...smallest, networking: { scope: { albMaxCapacity: '80', domainName: null } } },
      true,
    ],
    ['no slugs', { scopeId: '123', visibility: 'public' }, false],
    ['a scope id that ends with a hyphen', { ...smallest, scopeId: '1-' }, false],
    ['a visibility of another platform', { ...smallest, visibility: 'everyone' }, false],
    ['Azure DNS', { ...smallest, dnsType: 'azure' }, false],
    ['ids of hosted zones', { ...smallest, hostedZones: { public: '/hostedzone/Z1', private: '' } }, true],
    ['the ARN of a hosted zone', { ...smallest, hostedZones: { public: 'arn:aws:route53:::hostedzone/Z1' } }, false],
    ['an environment of 64 characters', { ...smallest, environment: 'e'.repeat(64) }, false],
  ])('agree on a creation with %s', async (_, input, valid) => {
    expect(readWith(scopeCreationInputSchema, input).ok).toBe(valid);
    expect((await validator('scope-creation-input'))(input)).toBe(valid);
  });

  test.each([
    ['an id', { scopeId: '123' }, true],
    [
      'adopt and what it needs',
      { scopeId: '1', adopt: true, domain: 'a.b', region: 'eu-west-1', hostedZones: {} },
      true,
    ],
    ['a hosted zone by its name', { scopeId: '1', hostedZones: { private: 'example.com' } }, false],
    ['adopt alone', { scopeId: '1', adopt: true }, false],
    ['nothing', {}, false],
  ])('agree on a deletion with %s', async (_, input, valid) => {
    expect(readWith(scopeDeletionInputSchema, input).ok).toBe(valid);
    expect((await validator('scope-deletion-input'))(input)).toBe(valid);
  });

  test('take what a run answers, and later fields as well', async () => {
    const status: ScopeStatus = {
      scopeId: '123',
      kind: 'creation',
      phase: 'Dns',
      hosts: ['a.example.com'],
      candidates: [],
      dns: [{ zoneId: 'Z1', name: 'a.example.com', type: 'A', target: 'b.aws', state: 'pending', origin: 'made' }],
      waitingFor: { what: 'DNS', since: '2026-01-02T03:04:05.678Z' },
      made: ['record a.example.com'],
      warnings: [],
    };
    const validate = await validator('scope-status');
    expect(validate({ ...status, later: true })).toBe(true);
    expect(validate({ ...status, phase: 'Dreaming' })).toBe(false);
    expect(readWith(scopeStatusSchema, status)).toEqual({ ok: true, value: status });
    expect(readWith(scopePlanSchema, { ...status, dryRun: true }).ok).toBe(false);
    expect(readWith(scopeCreationResultSchema, status).ok).toBe(false);
  });
});

describe('npm run schemas', () => {
  let copy: string;

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'groundwork-schemas-'));
    await cp(join(root, 'contract'), join(copy, 'contract'), { recursive: true });
    await cp(join(root, 'tools/schemas.ts'), join(copy, 'tools/schemas.ts'));
    await cp(join(root, 'package.json'), join(copy, 'package.json'));
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  const run = (folder: string, ...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const argv = ['--import', 'tsx', join(folder, 'tools/schemas.ts'), ...args];
      execFile(process.execPath, argv, { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: `${stdout}${stderr}` }),
      );
    });

  test('finds the published schemas up to date', async () => {
    expect(await run(root, '--check')).toMatchObject({ code: 0 });
  });

  test('refuses a changed, a missing and a left-over schema, and repairs them', async () => {
    const file = (name: string) => join(copy, 'contract/schemas/json', name);
    await writeFile(file('scope-plan.json'), '{}\n');
    await rm(file('failure.json'));
    await writeFile(file('old.json'), '{}\n');
    const { code, output } = await run(copy, '--check');
    expect(code).toBe(1);
    expect(output).toContain('scope-plan.json is outdated');
    expect(output).toContain('failure.json is missing');
    expect(output).toContain('old.json has no source');
    expect(await run(copy)).toMatchObject({ code: 0 });
    expect(await run(copy, '--check')).toMatchObject({ code: 0 });
  });
});
