import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WatchAnswer } from '../../../activities/scope/balancers.ts';
import { workflowIds } from '../../../contract/names.ts';
import { eventually, failureOf, truth } from '../../support/inspect.ts';
import { region, testWorld } from '../../support/world.ts';

/** The load balancer controller is down while a balancer is to go: its keeper keeps the finalizer, and the run must end by a type of its list. */

const world = testWorld({ seed: region({ public: 75 }), environment: { GROUNDWORK_COMPENSATION_TIMEOUT: '3' } });
const knobs = () => world.controllers.loadBalancer.knobs;

/** A scope whose balancer cannot come to life. */
const hopeless = () => world.request({ networking: { platform: { domainName: 'nocert.example.org' } } });

/** The controller has seen the keeper, and does nothing more once it has said that it cannot make the balancer. */
let atTheEnd: () => Promise<unknown>;

beforeEach(() => {
  atTheEnd = async () => {};
  world.around = async (activity, run) => {
    const answer = await run();
    if (activity === 'watchBalancer' && (answer as WatchAnswer).kind === 'failed') {
      knobs().neverReconcile = true;
      await atTheEnd();
    }
    return answer;
  };
});

afterEach(() => {
  world.around = undefined;
  knobs().neverReconcile = false;
});

test('a creation that waits for the removal of its last balancer tells so, and ends as BalancerTimeout', async () => {
  const input = hopeless();
  const before = await truth(world);
  expect((await failureOf(world.create(input))).type).toBe('CompensationIncomplete');
  const [row] = (await truth(world)).rows;
  expect(row).toMatch(/ retiring$/);
  const name = row?.split(' ')[0];

  const repeat = await world.start(input);
  const failure = failureOf(repeat.result());
  await eventually(async () =>
    expect((await world.status(repeat.workflowId)).waitingFor).toMatchObject({
      what: `balancer ${name} to be removed`,
      until: expect.any(String),
    }),
  );
  expect(await world.client.workflow.getHandle(repeat.workflowId).executeUpdate('retryNow', { args: [{}] })).toEqual({
    waitingFor: `balancer ${name} to be removed`,
  });
  expect(await failure).toMatchObject({
    type: 'BalancerTimeout',
    message: expect.stringContaining(`balancer ${name} could not be removed within 3 s`),
  });
  knobs().neverReconcile = false;
  world.around = undefined;
  expect((await failureOf(world.create(input))).type).toBe('CertificateMissing');
  expect({ ...(await truth(world)), rows: [] }).toEqual({ ...before, rows: [] });
});

test('a deletion that cannot remove a balancer names it as left over, and the scope is gone', async () => {
  const input = hopeless();
  const { scopeId } = input;
  const creation = await world.start(input);
  atTheEnd = () => world.client.workflow.getHandle(creation.workflowId).terminate();
  await expect(creation.result()).rejects.toThrow();
  const { placements, rows } = await truth(world);
  expect(placements.join()).toContain(`${scopeId} reserved`);
  const name = rows.find((row) => !row.endsWith(' retired'))?.split(' ')[0];

  expect(await failureOf(world.remove(scopeId))).toMatchObject({
    type: 'CompensationIncomplete',
    message: expect.stringContaining(`balancer ${name} could not be removed within 3 s`),
    details: { leftovers: [`balancer ${name}`] },
  });
  expect((await world.status(workflowIds.scopeDeletion(scopeId))).failure?.type).toBe('CompensationIncomplete');
  expect((await truth(world)).placements.join()).not.toContain(scopeId);
  expect(await world.remove(scopeId)).toMatchObject({ removed: [], absent: [`scope ${scopeId}`] });
});
