import { describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { failureOf, truth } from '../../support/inspect.ts';
import { makeService } from '../../support/services.ts';
import { testWorld } from '../../support/world.ts';

const world = testWorld();

describe('creating a scope where there is room', () => {
  test('S57: places it on the base balancer and writes its records in both zones, private first', async () => {
    const input = world.request();
    const result = await world.create(input);
    expect(result.balancer).toMatchObject({
      name: 'k8s-groundwork-public',
      origin: 'declared',
      created: false,
      scheme: 'internet-facing',
      region: 'us-east-1',
    });
    expect(result.dns.map(({ zoneId, state, origin }) => [zoneId, state, origin])).toEqual([
      ['ZPRIVATE', 'in-sync', 'made'],
      ['ZPUBLIC', 'in-sync', 'made'],
    ]);
    const { records, placements, held } = await truth(world);
    const target = result.balancer.dnsName ?? '';
    expect(records).toEqual(
      expect.arrayContaining([`ZPRIVATE ${result.domain} -> ${target}`, `ZPUBLIC ${result.domain} -> ${target}`]),
    );
    expect(placements).toContain(`${input.scopeId} bound k8s-groundwork-public`);
    expect(held).toEqual([]);
  });

  test('a private scope goes to the private balancer', async () => {
    const result = await world.create(world.request({ visibility: 'private' }));
    expect(result.balancer).toMatchObject({ name: 'k8s-groundwork-private', scheme: 'internal' });
  });

  test('N1: a repeated creation gives the same answer, repairs nothing and writes nothing to AWS', async () => {
    const input = world.request();
    const first = await world.create(input);
    world.aws.resetRequests();
    const second = await world.create(input);
    expect(second).toEqual({ ...first, dns: first.dns, warnings: [] });
    expect(second.repaired).toEqual([]);
    const writes = Object.keys(world.aws.requestCounts()).filter((name) =>
      /:(Change|Create|Delete|Add|Remove|Modify)/.test(name),
    );
    expect(writes).toEqual([]);
  });

  function deleteRecords(domain: string): void {
    const kept = world.aws.dump();
    for (const zone of kept.hostedZones ?? [])
      zone.records = (zone.records ?? []).filter(({ name }) => !name.startsWith(domain));
    world.aws.seed(kept);
  }

  test('a repeat takes added domains into the placement; when it fails they are free again, and the scope stays bound', async () => {
    const input = world.request();
    const { domain, balancer } = await world.create(input);
    const shop = `${input.scopeId}.shop.example.org`;
    deleteRecords(domain);
    const rule = world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    const failure = await failureOf(world.create({ ...input, additionalDomains: [shop] }));
    world.faults.remove(rule);
    expect(failure.type).toBe('AccessDenied');
    expect((await truth(world)).placements).toContain(`${input.scopeId} bound ${balancer.name}`);
    const other = await world.create(world.request({ additionalDomains: [shop] }));
    expect(other.hosts).toContain(shop);

    const second = `${input.scopeId}.second.example.org`;
    const { repaired } = await world.create({ ...input, additionalDomains: [second] });
    expect(repaired).toContain(`host ${second} added to the placement`);
    const stranger = failureOf(world.create(world.request({ additionalDomains: [second] })));
    expect(await stranger).toMatchObject({ type: 'HostConflict', message: expect.stringContaining(input.scopeId) });
  });

  test('a repeat restores a record that somebody deleted', async () => {
    const input = world.request();
    const first = await world.create(input);
    deleteRecords(first.domain);
    const second = await world.create(input);
    expect(second.repaired).toHaveLength(2);
    expect((await truth(world)).records).toContain(`ZPUBLIC ${first.domain} -> ${first.balancer.dnsName}`);
  });

  test('a repeat with another domain is refused with both values', async () => {
    const input = world.request();
    await world.create(input);
    await expect(world.create({ ...input, domain: 'other.apps.example.com' })).rejects.toMatchObject({
      cause: { type: 'ScopeMismatch', message: expect.stringContaining('other.apps.example.com') },
    });
  });

  test('a repeat with another region is refused with both regions, and the scope stays where it is', async () => {
    const input = world.request();
    const { balancer } = await world.create(input);
    const failure = await failureOf(world.create({ ...input, region: 'us-west-2' }));
    expect(failure).toMatchObject({
      type: 'ScopeMismatch',
      details: { existing: { region: 'us-east-1' }, requested: { region: 'us-west-2' } },
    });
    expect((await truth(world)).placements).toContain(`${input.scopeId} bound ${balancer.name}`);
  });

  test.each([false, true])(
    'a repeat with another visibility is refused with both, not told to remove its own record (plan: %s)',
    async (dryRun) => {
      const input = world.request({ domain: `${dryRun ? 'plan' : 'run'}-both-ways.apps.example.com` });
      await world.create(input);
      const before = await truth(world);
      const repeat = { ...input, visibility: 'private' as const, dryRun };
      expect(await failureOf((await world.start(repeat)).result())).toMatchObject({
        type: 'ScopeMismatch',
        details: { existing: { visibility: 'public' }, requested: { visibility: 'private' } },
      });
      expect(await truth(world)).toEqual(before);
    },
  );

  test('a repeat without a domain that was added answers all hosts that the scope keeps', async () => {
    const input = world.request();
    const added = `${input.scopeId}.kept.example.org`;
    const { hosts } = await world.create({ ...input, additionalDomains: [added] });
    expect((await world.create(input)).hosts).toEqual(hosts);
    expect(await world.status(workflowIds.scopeCreation(input.scopeId))).toMatchObject({ hosts });
  });

  test('a host of another live scope is refused with that scope named', async () => {
    const first = world.request({ domain: 'shared.apps.example.com' });
    await world.create(first);
    await expect(
      world.create(world.request({ domain: 'x.apps.example.com', additionalDomains: ['shared.apps.example.com'] })),
    ).rejects.toMatchObject({
      cause: { type: 'HostConflict', message: expect.stringContaining(first.scopeId) },
    });
  });

  test('the status tells phase, candidates, reason and records after the run, and the ledger keeps it', async () => {
    const input = world.request();
    await world.create(input);
    const status = await world.status(workflowIds.scopeCreation(input.scopeId));
    expect(status).toMatchObject({
      phase: 'Done',
      kind: 'creation',
      candidates: [{ name: 'k8s-groundwork-public' }],
      reason: expect.stringContaining('k8s-groundwork-public'),
    });
    const { rows } = await world.database.query<{ status: unknown }>(
      'select status from placement where scope_id = $1',
      [input.scopeId],
    );
    expect(rows[0]?.status).toMatchObject({ phase: 'Done', scopeId: input.scopeId });
  });

  test('an ordinary creation needs at most 60 history events', async () => {
    const input = world.request();
    await world.create(input);
    const history = await world.client.workflow.getHandle(workflowIds.scopeCreation(input.scopeId)).fetchHistory();
    expect(history.events?.length).toBeLessThanOrEqual(60);
  });

  test('S70: without hosted zones it succeeds with a warning and the name to point at', async () => {
    const result = await world.create(world.request({ hostedZones: { public: '', private: null } }));
    expect(result.warnings).toMatchObject([{ code: 'DnsNotConfigured' }]);
    expect(result.dns).toEqual([]);
  });
});

describe('deleting a scope that serves', () => {
  const remove = (scopeId: string, force: boolean) =>
    world.client.workflow.execute('scopeDeletion', {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.scopeDeletion(scopeId),
      args: [{ scopeId, force }],
    });

  test('N15: is refused without force, with the objects named; with force it stops before anything is removed when nobody serves deployments', async () => {
    const input = world.request();
    const { domain } = await world.create(input);
    const service = await makeService(world, input.scopeId);
    const before = await truth(world);
    expect(await failureOf(remove(input.scopeId, false))).toMatchObject({
      type: 'DeploymentLive',
      message: expect.stringContaining(`Service ${world.namespace}/${service}`),
    });
    expect(await failureOf(remove(input.scopeId, true))).toMatchObject({
      type: 'DeploymentLive',
      message: expect.stringContaining('no worker polls'),
    });
    expect(await truth(world)).toEqual(before);
    expect(before.records.join()).toContain(domain);
  });

  test('N15: is refused without force while a rollout is open', async () => {
    const input = world.request();
    await world.create(input);
    const rollout = await world.client.workflow.start('deployment', {
      taskQueue: 'served-by-nobody',
      workflowId: workflowIds.deployment(input.scopeId),
    });
    expect(await failureOf(remove(input.scopeId, false))).toMatchObject({
      type: 'DeploymentLive',
      message: expect.stringContaining('is open'),
    });
    await rollout.terminate();
  });
});

describe('wrong input', () => {
  test('S86: names every wrong field in one line, and nothing is done', async () => {
    const handle = await world.client.workflow.start('scopeCreation', {
      taskQueue: world.taskQueue,
      workflowId: workflowIds.scopeCreation('Wrong-1'),
      args: [{ scopeId: 'Wrong-1', slugs: { account: 'acme' }, visibility: 'loud' }],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'InvalidInput',
        message: expect.stringMatching(
          /^scopeId: .*; slugs\.namespace: is required; slugs\.application: is required; slugs\.scope: is required; visibility: must be one of [^\n]*$/,
        ),
      },
    });
    expect((await truth(world)).placements.filter((line) => line.startsWith('Wrong-1'))).toEqual([]);
  });

  test.each([[undefined], [null], ['text'], [7], [[]]])(
    'an input of %j fails the run, it does not hang',
    async (input) => {
      const handle = await world.client.workflow.start('scopeCreation', {
        taskQueue: world.taskQueue,
        workflowId: `scope-creation/odd-${JSON.stringify(input)}`,
        args: [input],
      });
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    },
  );
});
