import { describe, expect, test } from 'vitest';
import { createScope, deploymentOf, drive, rollOut, rolloutStatus, rolloutWorld } from '../../support/rollouts.ts';

const world = rolloutWorld();

describe('the first version of a scope', () => {
  test('is applied, awaited, routed to and verified on the balancer', async () => {
    const scope = await createScope(world);
    const result = await rollOut(world, deploymentOf(scope, '41'));
    expect(result).toMatchObject({ outcome: 'finalized', percent: 100, hosts: [{ host: scope.domain, active: '41' }] });
    const status = await rolloutStatus(world, scope.input.scopeId);
    expect(status).toMatchObject({
      phase: 'Finalized',
      balancer: scope.balancer,
      actual: [{ host: scope.domain, port: 443, weights: { [`d-${scope.input.scopeId}-41`]: 100 } }],
      healthyTargets: { green: 2 },
    });
    const driver = drive(world, scope);
    for (let sent = 0; sent < 50; sent++) driver.send({ balancer: scope.balancer, host: scope.domain, port: 443 });
    expect(driver.stop()).toMatchObject({ failed: {}, served: { '41': expect.any(Number) } });
  });
});
