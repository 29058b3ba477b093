import { afterEach, describe, expect, test } from 'vitest';
import { workflowIds } from '../../../contract/names.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import { uniqueName } from '../../support/servers.ts';
import { terminatedCreation } from '../../support/terminated.ts';
import { region, testWorld } from '../../support/world.ts';

const world = testWorld({
  seed: region({ public: 75, private: 10 }),
  environment: { GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: '3', GROUNDWORK_READ_PATIENCE: '1.5' },
});

afterEach(() => {
  world.faults.clear();
  world.around = undefined;
  world.controllers.loadBalancer.knobs.neverReconcile = false;
});

/** What must be as before after a failure: everything but the rows of retired balancers. */
async function footprint() {
  const { rows, ...rest } = await truth(world);
  return { ...rest, rows: rows.filter((row) => !row.endsWith(' retired')) };
}

/** Every other call of an activity does its work, and nobody hears of it. */
function losesFirst(activity: string): NonNullable<typeof world.around> {
  let calls = 0;
  return async (name, run) => {
    const answer = await run();
    if (name === activity && calls++ % 2 === 0) throw new Error('the answer is lost');
    return answer;
  };
}

/** A public scope for which a new balancer must be made. */
const needsBalancer = (fields: object = {}) => world.request({ networking: { platform: fields } });

describe('a balancer that cannot come to life', () => {
  test('no certificate for its host: told within one poll with the host, and nothing is left', async () => {
    const before = await footprint();
    const failure = await failureOf(world.create(needsBalancer({ domainName: 'nocert.example.org' })));
    expect(failure).toMatchObject({
      type: 'CertificateMissing',
      message: expect.stringMatching(/no certificate covers .*\.nocert\.example\.org.*\*\.nocert\.example\.org/),
    });
    expect(await footprint()).toEqual(before);
  });

  test('N6: its waiters all end with the cause, and no second balancer is tried', async () => {
    const before = await footprint();
    const inputs = [1, 2, 3].map(() => needsBalancer({ domainName: 'nocert.example.org' }));
    world.aws.resetRequests();
    const failures = await Promise.all(inputs.map((input) => failureOf(world.create(input))));
    expect(failures.map(({ type }) => type)).toEqual([
      'CertificateMissing',
      'CertificateMissing',
      'CertificateMissing',
    ]);
    expect(await footprint()).toEqual(before);
    expect(world.aws.requestCounts()['elbv2:CreateLoadBalancer'] ?? 0).toBe(0);
  });

  test.each([[''], [', also when each answer about leaving it is lost']])(
    'S38: AWS reports it as failed: the run decides again a bounded number of times, then tells%s',
    async (lost) => {
      const before = await footprint();
      if (lost) world.around = losesFirst('leaveBalancer');
      const handle = await world.start(needsBalancer());
      let ended = false;
      const failing = (async () => {
        while (!ended) {
          for (const { name } of world.aws.state.region('us-east-1').loadBalancers.values()) {
            if (!name.startsWith('groundwork-auto-')) continue;
            await fetch(`${world.aws.url}/_sandbox/balancers/${name}/state`, {
              method: 'POST',
              body: JSON.stringify({ state: 'failed' }),
            });
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      expect(await failureOf(handle.result())).toMatchObject({
        type: 'BalancerFailed',
        message: expect.stringContaining('as failed'),
      });
      ended = true;
      await failing;
      const { warnings } = await world.status(handle.workflowId);
      expect(warnings.map(({ code }) => code)).toEqual(['BalancerReplaced']);
      expect(await footprint()).toEqual(before);
    },
  );

  test('the quota of balancers is used up: told at once with the quota and its code, and nothing is left', async () => {
    const before = await footprint();
    const limit = (most: number | undefined) =>
      world.aws.state.mutateRegion('us-east-1', ({ limits }) => {
        if (most === undefined) limits.delete('application-load-balancers');
        else limits.set('application-load-balancers', most);
      });
    limit(1);
    try {
      expect(await failureOf(world.create(needsBalancer()))).toMatchObject({
        type: 'BalancerQuotaExceeded',
        message: expect.stringMatching(/quota of load balancers in us-east-1.*L-53DA6B97/),
        details: { quota: 'L-53DA6B97' },
      });
    } finally {
      limit(undefined);
    }
    expect(await footprint()).toEqual(before);
  });

  test('S40: not active in time: the failure tells the last state and since when, and nothing is left', async () => {
    world.controllers.loadBalancer.knobs.neverReconcile = true;
    const failing = failureOf(world.create(needsBalancer()));
    const failure = await failing;
    expect(failure).toMatchObject({
      type: 'BalancerTimeout',
      message: expect.stringMatching(/not visible in AWS yet, waiting since 2\d{3}-.*L-53DA6B97/),
    });
    await eventually(async () => expect((await footprint()).keepers).toEqual([]));
  });
});

describe('DNS', () => {
  test('N8: a record of somebody else is told with its target before anything is made', async () => {
    const state = world.aws.dump();
    const zone = state.hostedZones?.find(({ id }) => id === 'ZPUBLIC');
    zone?.records?.push({ name: 'taken.apps.example.com', type: 'A', ttl: 60, values: ['192.0.2.1'] });
    world.aws.seed(state);
    const before = await truth(world);
    const failure = await failureOf(world.create(world.request({ domain: 'taken.apps.example.com' })));
    expect(failure).toMatchObject({ type: 'DnsRecordConflict', message: expect.stringContaining('192.0.2.1') });
    expect(await truth(world)).toEqual(before);
  });

  test("a record that somebody repointed is left by the deletion, and is somebody else's to a new creation of the same scope", async () => {
    const input = world.request({ visibility: 'private', domain: 'repointed.apps.example.com' });
    await world.create(input);
    const state = world.aws.dump();
    for (const zone of state.hostedZones ?? [])
      for (const record of zone.records ?? [])
        if (record.name.startsWith(input.domain ?? '')) {
          delete record.alias;
          Object.assign(record, { ttl: 60, values: ['192.0.2.7'] });
        }
    world.aws.seed(state);
    const { warnings } = await world.remove(input.scopeId);
    expect(warnings).toMatchObject([{ code: 'DnsRecordForeign' }, { code: 'DnsRecordForeign' }]);

    const before = await truth(world);
    expect(before.recordRows.join()).not.toContain('repointed');
    expect(before.records).toContain('ZPRIVATE repointed.apps.example.com -> 192.0.2.7');
    expect((await failureOf(world.create(input))).type).toBe('DnsRecordConflict');
    expect(await truth(world)).toEqual(before);
  });

  test('S61, S66: a denied second zone names permission and zone, and the first record is removed again', async () => {
    const before = await footprint();
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets', resource: 'ZPUBLIC' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403, message: 'not authorized' },
    });
    const failure = await failureOf(world.create(world.request({ visibility: 'private' })));
    expect(failure).toMatchObject({
      type: 'AccessDenied',
      message: expect.stringMatching(/route53:ChangeResourceRecordSets on zone ZPUBLIC/),
    });
    expect(await footprint()).toEqual(before);
  });

  test('a change that Route 53 refuses ends the deletion with its words; a repeat goes on', async () => {
    const { scopeId } = await world.create(world.request({ visibility: 'private' }));
    world.faults.add({
      match: { service: 'route53', action: 'ChangeResourceRecordSets' },
      effect: { kind: 'error', code: 'InvalidChangeBatch', status: 400, message: '[The zone is being moved.]' },
    });
    expect(await failureOf(world.remove(scopeId))).toMatchObject({
      type: 'DnsRefused',
      message: expect.stringContaining('The zone is being moved'),
    });
    world.faults.clear();
    expect((await world.remove(scopeId)).removed).toContainEqual(expect.stringContaining('in zone ZPRIVATE'));
  });

  test('a record that a failed creation could not undo goes with the deletion of the scope', async () => {
    const input = world.request({ visibility: 'private', domain: 'left-over.apps.example.com' });
    const before = await footprint();
    world.around = async (name, run) => {
      const answer = await run();
      if (name === 'ensureDnsRecord')
        world.faults.add({
          match: { service: 'route53', action: 'ChangeResourceRecordSets' },
          effect: { kind: 'error', code: 'AccessDenied', status: 403 },
        });
      return answer;
    };
    expect((await failureOf(world.create(input))).type).toBe('CompensationIncomplete');
    world.around = undefined;
    world.faults.clear();
    expect((await truth(world)).records.join()).toContain('ZPRIVATE left-over');
    expect(await world.remove(input.scopeId)).toMatchObject({
      removed: ['record left-over.apps.example.com in zone ZPRIVATE'],
      absent: [],
    });
    expect(await footprint()).toEqual(before);
  });

  test('a record in a zone that only a repeat named goes with the deletion of the scope', async () => {
    const before = await footprint();
    const input = world.request({ visibility: 'private', hostedZones: { public: null, private: 'ZPRIVATE' } });
    await world.create(input);
    const { domain } = await world.create({ ...input, hostedZones: { public: 'ZPUBLIC', private: 'ZPRIVATE' } });
    const { removed } = await world.remove(input.scopeId);
    expect(removed.slice(0, 2)).toEqual([`record ${domain} in zone ZPUBLIC`, `record ${domain} in zone ZPRIVATE`]);
    expect(await footprint()).toEqual(before);
  });

  describe('a record of a creation that was terminated', () => {
    const deny = (resource: string) =>
      world.faults.add({
        match: { service: 'route53', action: 'ChangeResourceRecordSets', resource },
        effect: { kind: 'error', code: 'AccessDenied', status: 403 },
      });
    const old = () => world.request({ visibility: 'private', domain: `${uniqueName('old')}.apps.example.com` });

    test('is taken over by a repeat, and undone when that fails', async () => {
      const before = await footprint();
      const input = old();
      await terminatedCreation(world, input);
      expect((await truth(world)).records.join()).toContain(`ZPRIVATE ${input.domain}`);
      deny('ZPUBLIC');
      expect((await failureOf(world.create(input))).type).toBe('AccessDenied');
      expect(await footprint()).toEqual(before);
    });

    test('goes when a repeat with another domain has succeeded, or has failed', async () => {
      const before = await footprint();
      const input = old();
      await terminatedCreation(world, input);
      const { domain } = await world.create({ ...input, domain: `new-${input.domain}` });
      expect((await truth(world)).recordRows.filter((row) => row.endsWith(`${input.domain}`))).toEqual([
        `ZPRIVATE ${domain}`,
        `ZPUBLIC ${domain}`,
      ]);
      await world.remove(input.scopeId);
      const another = old();
      await terminatedCreation(world, another);
      deny('ZPUBLIC');
      const failing = { ...another, domain: `new-${another.domain}` };
      expect((await failureOf(world.create(failing))).type).toBe('AccessDenied');
      expect(await footprint()).toEqual(before);
    });

    test('that cannot be removed then is told, and goes with the scope', async () => {
      const before = await footprint();
      const input = old();
      await terminatedCreation(world, input);
      world.around = async (activity, run) => {
        if (activity === 'removeDnsRecord') deny('ZPRIVATE');
        return run();
      };
      const { warnings } = await world.create({ ...input, domain: `new-${input.domain}` });
      expect(warnings).toContainEqual({
        code: 'DnsRecordLeft',
        message: expect.stringContaining(`record ${input.domain} in zone ZPRIVATE, which an ended run left`),
      });
      world.around = undefined;
      world.faults.clear();
      const { removed } = await world.remove(input.scopeId);
      expect(removed).toContain(`record ${input.domain} in zone ZPRIVATE`);
      expect(await footprint()).toEqual(before);
    });
  });

  test('a finished creation that is reset and then fails leaves the scope as it was', async () => {
    const input = world.request({ visibility: 'private' });
    await world.create(input);
    const before = await truth(world);
    world.around = async (activity, run) => {
      if (activity === 'ensureDnsRecord')
        world.faults.add({
          match: { service: 'route53', action: 'ListResourceRecordSets', resource: 'ZPUBLIC' },
          effect: { kind: 'error', code: 'AccessDenied', status: 403 },
        });
      return run();
    };
    const { workflowService, options } = world.client;
    const workflowId = workflowIds.scopeCreation(input.scopeId);
    const reset = {
      namespace: options.namespace,
      workflowExecution: { workflowId },
      requestId: workflowId,
      reason: 'a test',
      workflowTaskFinishEventId: 4,
    };
    await workflowService.resetWorkflowExecution(reset as never);
    const again = world.client.workflow.getHandle(workflowId);
    expect((await failureOf(again.result())).type).toBe('AccessDenied');
    world.around = undefined;
    world.faults.clear();
    expect(await truth(world)).toEqual(before);
  });

  test('an unknown zone is named', async () => {
    const failure = await failureOf(
      world.create(world.request({ visibility: 'private', hostedZones: { private: 'ZNOWHERE', public: null } })),
    );
    expect(failure).toMatchObject({ type: 'DnsZoneMissing', message: expect.stringContaining('ZNOWHERE') });
  });

  test('S7, N9: an existing alias decides the balancer whatever the configuration says', async () => {
    const { balancer } = await world.create(world.request({ visibility: 'private' }));
    const state = world.aws.dump();
    const zone = state.hostedZones?.find(({ id }) => id === 'ZPRIVATE');
    zone?.records?.push({
      name: 'moved.apps.example.com',
      type: 'A',
      alias: { dnsName: `dualstack.${balancer.dnsName?.toUpperCase()}`, zoneId: balancer.canonicalHostedZoneId ?? '' },
    });
    world.aws.seed(state);
    const input = world.request({
      visibility: 'private',
      domain: 'moved.apps.example.com',
      networking: { scope: { balancerPrivateName: 'does-not-exist' } },
    });
    const result = await world.create(input);
    expect(result.balancer.name).toBe('k8s-groundwork-private');
    expect(result.dns[0]).toMatchObject({ zoneId: 'ZPRIVATE', origin: 'adopted' });
  });
});

describe('reading', () => {
  test('S14, S54: a pool that nobody can read ends as unreadable, never as empty, and no balancer is made on a guess', async () => {
    world.faults.add({
      match: { service: 'elbv2', action: 'DescribeRules' },
      effect: { kind: 'error', code: 'InternalFailure', status: 500 },
    });
    const before = await footprint();
    await new Promise((resolve) => setTimeout(resolve, 700)); // older than the observations of earlier tests may be
    const failure = await failureOf(world.create(needsBalancer()));
    expect(failure).toMatchObject({ type: 'BalancerUnreadable', message: expect.stringContaining('DescribeRules') });
    expect(await footprint()).toEqual(before);
  });

  test('S14: it ends so too when then nothing at all can be read any more', async () => {
    const fails = (action: string) =>
      world.faults.add({
        match: { service: 'elbv2', action },
        effect: { kind: 'error', code: 'InternalFailure', status: 500 },
      });
    fails('DescribeRules');
    const before = await footprint();
    await new Promise((resolve) => setTimeout(resolve, 700)); // older than the observations of earlier tests may be
    const handle = await world.start(needsBalancer());
    const failure = failureOf(handle.result());
    await eventually(async () =>
      expect((await world.status(handle.workflowId)).waitingFor?.what).toContain('to be readable'),
    );
    fails('DescribeLoadBalancers');
    expect(await failure).toMatchObject({
      type: 'BalancerUnreadable',
      message: expect.stringContaining('DescribeLoadBalancers'),
    });
    world.faults.clear();
    expect(await footprint()).toEqual(before);
  });

  test('a denied permission is named at once', async () => {
    world.faults.add({
      match: { service: 'elbv2', action: 'DescribeListeners' },
      effect: { kind: 'error', code: 'AccessDenied', status: 403 },
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await failureOf(world.create(world.request()))).toMatchObject({
      type: 'AccessDenied',
      message: expect.stringContaining('elasticloadbalancing:DescribeListeners'),
    });
  });
});

describe('no capacity', () => {
  test('S20, S48: without autocreate the loads and what helps are told', async () => {
    const failure = await failureOf(world.create(needsBalancer({ autocreateEnabled: false })));
    expect(failure).toMatchObject({ type: 'NoCapacity', message: expect.stringMatching(/75\/75.*enable autocreate/) });
  });

  test('declared balancers that do not exist at all are named', async () => {
    const failure = await failureOf(
      world.create(needsBalancer({ autocreateEnabled: false, balancerPublicName: 'nowhere' })),
    );
    expect(failure).toMatchObject({ type: 'BalancerMissing', message: expect.stringContaining('nowhere') });
  });

  test('S81: a namespace that may not be created is named', async () => {
    const failure = await failureOf(
      world.create(
        world.request({ visibility: 'private', kubernetes: { namespace: 'absent', createIfMissing: false } }),
      ),
    );
    expect(failure).toMatchObject({ type: 'NamespaceMissing', message: expect.stringContaining('absent') });
  });
});
