import { WorkflowFailedError } from '@temporalio/client';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { workflowIds, workflowTypes } from '../../../contract/names.ts';
import { everything } from '../../support/faults/outcomes.ts';
import { truth } from '../../support/inspect.ts';
import { REGION, region, testWorld } from '../../support/world.ts';
import { manyBalancers, patient } from './room.ts';

/** The invariants that must hold after quiescence (specs: scope creation, section 15), whatever was asked for and went wrong before. */

const world = testWorld({ seed: region({ public: 75 }), environment: patient, limits: manyBalancers });

afterEach(() => {
  world.around = undefined;
  world.faults.clear();
});

/** Scopes of one sequence; few, so that requests meet. */
const SCOPES = 3;

interface Request {
  scope: number;
  what: 'create' | 'create without certificate' | 'delete';
}

/** Requests at the same time, with what befalls them. */
interface Wave {
  requests: readonly Request[];
  /** Activities that complete before the first request is cancelled. */
  cancelAfter: number | undefined;
  dnsDenied: boolean;
}

const wave: fc.Arbitrary<Wave> = fc.record({
  requests: fc.array(
    fc.record<Request>({
      scope: fc.nat({ max: SCOPES - 1 }),
      what: fc.constantFrom('create', 'create', 'create', 'create without certificate', 'delete'),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  cancelAfter: fc.option(fc.integer({ min: 1, max: 25 }), { nil: undefined }),
  dnsDenied: fc.boolean(),
});

/** What is known of a scope when nobody works on it: whether it exists, or `undefined` after requests that met or were cut off. */
type Known = boolean | undefined;

async function go(inputs: readonly ReturnType<typeof world.request>[], wave: Wave, known: Known[]): Promise<void> {
  let completed = 0;
  let cancel = async () => {};
  world.around = async (_name, run) => {
    const answer = await run();
    completed += 1;
    if (completed === wave.cancelAfter) await cancel();
    return answer;
  };
  const rule = wave.dnsDenied
    ? world.faults.add({
        match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC', caller: 'sandbox' },
        effect: { kind: 'error', code: 'AccessDenied', status: 403 },
      })
    : undefined;
  const ends = await Promise.all(
    wave.requests.map(async ({ scope, what }, index) => {
      const input = inputs[scope];
      if (!input) throw new Error(`there is no scope ${scope}`);
      const handle = what === 'delete' ? await startDeletion(input.scopeId) : await world.start(asked(input, what));
      if (index === 0) cancel = async () => void (await handle.cancel());
      return handle.result().then(
        () => 'completed' as const,
        (error: unknown) => endOf(error),
      );
    }),
  );
  world.around = undefined;
  if (rule) world.faults.remove(rule);
  wave.requests.forEach(({ scope, what }, index) => {
    const alone = wave.requests.filter((other) => other.scope === scope).length === 1;
    const cutOff = index === 0 && wave.cancelAfter !== undefined && what === 'delete';
    if (!alone || cutOff) known[scope] = undefined;
    else if (ends[index] === 'completed') known[scope] = what !== 'delete';
  });
}

const asked = (input: ReturnType<typeof world.request>, what: Request['what']) => ({
  ...input,
  networking: {
    platform: { albMaxCapacity: 3, ...(what === 'create' ? {} : { domainName: 'nocert.example.org' }) },
  },
});

const startDeletion = (scopeId: string) =>
  world.client.workflow.start(workflowTypes.scopeDeletion, {
    taskQueue: world.taskQueue,
    workflowId: workflowIds.scopeDeletion(scopeId),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ scopeId }],
  });

/** The ways that a request may end; nothing else counts as one. The domain without certificate is in no hosted zone either. */
function endOf(error: unknown): 'cancelled' | 'failed' {
  if (!(error instanceof WorkflowFailedError)) throw error;
  if (error.cause?.name === 'CancelledFailure') return 'cancelled';
  expect(['AccessDenied', 'CertificateMissing', 'DnsRefused', 'ScopeMismatch']).toContain(
    (error.cause as { type?: string }).type,
  );
  return 'failed';
}

/** Nothing runs: what AWS, cluster, DNS and ledger hold must fit together, and with what the callers were told. */
async function expectQuiescence(inputs: readonly { scopeId: string }[], known: readonly Known[]): Promise<void> {
  const { rows, keepers, records, recordRows, placements } = await truth(world);
  const live = rows.filter((row) => !row.endsWith(' retired')).map((row) => row.split(' '));
  const names = live.map(([name = '']) => name);
  const balancers = world.aws.dump().regions?.[REGION]?.loadBalancers ?? [];
  const ours = balancers.filter(({ tags }) => tags?.['groundwork:managed-by'] === 'autocreate');
  expect(live.filter(([, state]) => state !== 'active')).toEqual([]);
  expect(ours.map(({ name }) => name).sort()).toEqual(names);
  expect(keepers).toEqual(names.map((name) => `groundwork-autocreate-${name}`));

  // A row may name a run that is closed as its holder: it is free for the next one.
  expect(placements.filter((line) => !line.includes(' bound '))).toEqual([]);
  const { rows: led } = await world.database.query<{ line: string }>(
    `select r.zone_id || ' ' || r.name || ' -> ' || b.dns_name as line from dns_record r
       join placement p on p.scope_id = r.scope_id and p.state = 'bound' and p.domain = r.name
       join balancer b on b.id = p.balancer_id and b.dns_name = r.target order by 1`,
  );
  expect(led.map(({ line }) => line)).toEqual(records);
  expect(recordRows).toHaveLength(records.length);

  for (const [index, exists] of known.entries()) {
    const line = expect.stringMatching(new RegExp(`^${inputs[index]?.scopeId} `));
    if (exists === true) expect(placements).toContainEqual(line);
    if (exists === false) expect(placements).not.toContainEqual(line);
  }
}

test('whatever is asked for, refused, denied and cancelled: in the end AWS, cluster, DNS and ledger fit together', {
  timeout: 900_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wave, { minLength: 2, maxLength: 4 }), async (waves) => {
      const inputs = Array.from({ length: SCOPES }, () => world.request());
      const known: Known[] = inputs.map(() => false);
      for (const wave of waves) {
        await go(inputs, wave, known);
        await expectQuiescence(inputs, known);
      }
      for (const { scopeId } of inputs) await world.remove(scopeId);
      await expectQuiescence(
        inputs,
        inputs.map(() => false),
      );
    }),
    { numRuns: everything ? 6 : 2, endOnFailure: true },
  );
});
