import { describe, expect, test } from 'vitest';
import { testWorld } from '../../support/world.ts';

const world = testWorld();

describe('creating a scope', () => {
  test('places it on the base balancer and writes its records in both zones, private first', async () => {
    const result = await world.create(world.request());
    expect(result.balancer).toMatchObject({ name: 'k8s-groundwork-public', origin: 'declared', created: false });
    expect(result.dns.map(({ zoneId, state }) => [zoneId, state])).toEqual([
      ['ZPRIVATE', 'in-sync'],
      ['ZPUBLIC', 'in-sync'],
    ]);
  });
});
