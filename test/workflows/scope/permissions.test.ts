import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScopeCreationInput } from '../../../contract/scope/input.ts';
import { failureOf, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/**
 * The published permissions suffice, and each that is missing is named. AWS denies the worker whatever the policy of
 * docs/operations/permissions.md does not allow; Kubernetes knows the worker by deploy/rbac in every test.
 */

const PAGE = fileURLToPath(new URL('../../../docs/operations/permissions.md', import.meta.url));

interface Policy {
  Statement: { Effect: 'Allow'; Action: string | string[] }[];
}

const [, policy = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync(PAGE, 'utf8')) ?? [];

/** What only rollouts use. */
const OF_ROLLOUTS = ['elasticloadbalancing:DescribeTargetHealth', 'elasticloadbalancing:DescribeTargetGroupAttributes'];

const published = (JSON.parse(policy) as Policy).Statement.flatMap(({ Action }) => Action).filter(
  (action) => !OF_ROLLOUTS.includes(action),
);

/** The worker's access key id in a test's world. */
const WORKER = 'sandbox';

const world = testWorld({ seed: region({ public: 75, private: 10 }) });

beforeEach(async () => {
  world.aws.permissions.set(WORKER, new Set(published));
  await new Promise((resolve) => setTimeout(resolve, 700)); // older than observations may be: the next run reads
});
afterEach(() => {
  world.around = undefined;
  world.faults.clear();
  world.aws.permissions.clear();
});

const without = (action: string) =>
  world.aws.permissions.set(WORKER, new Set(published.filter((one) => one !== action)));

/** A public scope on a balancer of its own, with a host that brings its certificate into question. */
const demanding = (): ScopeCreationInput => {
  const input = world.request({ networking: { platform: { albMaxCapacity: 3 } } });
  return { ...input, additionalDomains: [`${input.scopeId}.shop.example.org`] };
};
const easy = () => world.request({ visibility: 'private' });

test('with the published permissions alone a balancer is made, tagged and served, and the scope deleted', async () => {
  const before = await truth(world);
  untag();
  const input = demanding();
  const { warnings, balancer } = await world.create(input);
  expect(balancer.created).toBe(true);
  expect(warnings).toEqual([]);
  await world.remove(input.scopeId);
  const { records, placements, held } = await truth(world);
  expect({ records, placements, held }).toEqual({ records: before.records, placements: before.placements, held: [] });
  await world.create(demanding()); // the idle balancer is full again
});

test('every published permission is used by that', () => {
  const used = Object.keys(world.aws.requestCounts(WORKER)).map((call) =>
    call.replace('elbv2:', 'elasticloadbalancing:'),
  );
  expect(used.filter((call) => !call.startsWith('sts:')).sort()).toEqual([...published].sort());
});

/** The controller's tags are gone when the worker looks, so that it has to write them. */
function untag(): void {
  world.around = (name, run) => {
    if (name === 'ensureBalancerTags')
      world.aws.state.mutateRegion('us-east-1', ({ loadBalancers }) => {
        for (const [arn, balancer] of loadBalancers)
          if (balancer.name.startsWith('groundwork-auto-')) loadBalancers.set(arn, { ...balancer, tags: {} });
      });
    return run();
  };
}

describe('without', () => {
  const tagging = ['elasticloadbalancing:AddTags', 'elasticloadbalancing:DescribeTags'];
  const certificates = 'elasticloadbalancing:DescribeListenerCertificates';

  test.each(published.filter((action) => !tagging.includes(action)))(
    '%s the run ends as denied and names it',
    async (action) => {
      const before = await truth(world);
      without(action);
      const input = easy();
      const hosts = action === certificates ? { additionalDomains: [`${input.scopeId}.shop.example.org`] } : {};
      expect(await failureOf(world.create({ ...input, ...hosts }))).toMatchObject({
        type: 'AccessDenied',
        message: expect.stringContaining(action),
      });
      world.aws.permissions.clear();
      expect(await truth(world)).toEqual(before);
    },
  );

  test.each(tagging)('%s the creation goes on with a warning that names it', async (action) => {
    untag();
    without(action);
    const { warnings } = await world.create(demanding());
    expect(warnings).toContainEqual({ code: 'TagsNotWritten', message: expect.stringContaining(action) });
  });

  test.each([
    ['get of namespaces', 'GET', '/api/v1/namespaces/[^/]+$', /get Namespace/],
    ['list of deployments', 'GET', '/apis/apps/v1/deployments', /list Deployment/],
    ['list of services', 'GET', '/api/v1/services', /list Service/],
    ['list of ingresses', 'GET', '/apis/networking.k8s.io/v1/ingresses', /list Ingress/],
  ])('%s in Kubernetes the run ends as denied and names it', async (_name, method, path, words) => {
    const input = easy();
    if (!path.includes('namespaces')) await world.create(input);
    world.faults.add({
      match: { service: 'kubernetes', method, path },
      effect: {
        kind: 'error',
        code: 'Forbidden',
        status: 403,
        message: 'is forbidden: User "groundwork-worker" cannot',
      },
    });
    const run = path.includes('namespaces') ? world.create(input) : world.remove(input.scopeId);
    expect(await failureOf(run)).toMatchObject({ type: 'AccessDenied', message: expect.stringMatching(words) });
    expect((await truth(world)).held).toEqual([]);
  });
});
