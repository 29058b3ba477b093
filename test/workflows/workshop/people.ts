import { afterEach, describe, expect, test } from 'vitest';
import * as messages from '../../../contract/workshop/messages.ts';
import { eventually } from '../../support/inspect.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import type { WorkshopWorld } from '../../support/workshop-world.ts';

/** A person always wins: edits of the count, messages, annotations. */
export function people(world: WorkshopWorld): void {
  afterEach(() => {
    world.around = undefined;
  });

  const handle = ({ name }: TestWorkshop) => world.client.workflow.getHandle(world.workflowId(name));
  const soon = () => new Date(Date.now() + 3_600_000).toISOString();

  async function count(workshop: TestWorkshop): Promise<number | undefined> {
    return (await workshop.provision()).spec?.count;
  }

  async function grown(workshop: TestWorkshop, to: number): Promise<void> {
    await eventually(async () => {
      const { spec, status } = await workshop.provision();
      expect({ count: spec?.count, flag: status?.autoScalingActive }).toEqual({ count: to, flag: true });
    });
  }

  async function ended(workshop: TestWorkshop): Promise<string | undefined> {
    return eventually(async () => {
      const { status } = await workshop.provision();
      expect(status?.autoScalingActive).toBeUndefined();
      expect(status?.autoScaling?.lastResult).toBeDefined();
      return status?.autoScaling?.lastResult;
    });
  }

  async function phase(workshop: TestWorkshop, wanted: string): Promise<void> {
    await eventually(async () => {
      const status = await world.status(workshop.name);
      expect(status.decision).toBeDefined();
      expect(status.phase).toBe(wanted);
    });
  }

  describe('a person changes the count', () => {
    test('W44 E21 R9: between look and write: it is not overwritten, and decided upon anew', async () => {
      const workshop = await world.workshop({ count: 10, claims: 12, assigned: 12, autoScaling: null });
      let edited = false;
      world.around = async (name, run) => {
        if (name === 'applyCount' && !edited) {
          edited = true;
          await workshop.edit('provision', workshop.name, { spec: { count: 12 } });
        }
        return run();
      };
      await workshop.configure({ enabled: true });
      await grown(workshop, 18);
      await eventually(async () =>
        expect((await world.status(workshop.name)).counters).toMatchObject({ countWrites: 1, conflicts: 1 }),
      );
    });

    test('W46 W84: up through the scale subresource while active: the new count is waited for', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      const path = workshop.path('provision', workshop.name, 'scale');
      await world.kube.merge(path, { spec: { replicas: 20 } });
      await workshop.addClaims(5);
      await eventually(async () =>
        expect((await world.status(workshop.name)).operation).toMatchObject({ targetCount: 20 }),
      );
      expect((await workshop.provision()).status?.autoScalingActive).toBe(true);
      await workshop.addClaims(5);
      expect(await ended(workshop)).toBe('Succeeded');
      expect(await count(workshop)).toBe(20);
    });
  });

  describe('messages', () => {
    test('W63: a pause while waiting lets the operation finish, also when its reason is cut within a character', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      const reason = `${'exam '.repeat(39)}1234\u{1f600}`;
      await handle(workshop).signal(messages.pauseSignal, { reason });
      await workshop.catchUp();
      expect(await ended(workshop)).toBe('Succeeded');
      await phase(workshop, 'Paused');
    });

    test('W64: the pause annotation does the same, and a message cannot resume it', async () => {
      const workshop = await world.workshop({ assigned: 5 });
      const annotations = {
        'babylon.gpte.redhat.com/autoscaling-paused': 'true',
        'babylon.gpte.redhat.com/autoscaling-paused-reason': 'maintenance',
      };
      await workshop.edit('workshop', workshop.name, { metadata: { annotations } });
      await phase(workshop, 'Paused');
      await workshop.assign(5);
      const answer = await handle(workshop).executeUpdate(messages.resumeUpdate, { args: [{}] });
      expect(answer).toMatchObject({ resumed: false, stillPaused: expect.stringContaining('maintenance') });
      expect(await count(workshop)).toBe(10);
      await workshop.edit('workshop', workshop.name, {
        metadata: { annotations: { 'babylon.gpte.redhat.com/autoscaling-paused': 'false' } },
      });
      await grown(workshop, 15);
    });

    test('W65: a cancelled operation clears its flag and leaves count and claims alone', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      await workshop.addClaims(2);
      const answer = await handle(workshop).executeUpdate(messages.cancelOperationUpdate, { args: [{ reason: 'no' }] });
      expect(answer.operationId).toMatch(/^1-/);
      expect(await ended(workshop)).toBe('Cancelled');
      expect(await count(workshop)).toBe(15);
      expect(await workshop.claims()).toHaveLength(12);
      // The provision shows the end before the run has the answer to writing it.
      await eventually(async () => expect((await world.status(workshop.name)).operation).toBeUndefined());
      await expect(
        handle(workshop).executeUpdate(messages.cancelOperationUpdate, { args: [{}] }),
      ).rejects.toMatchObject({
        cause: { type: 'NothingToCancel' },
      });
    });

    test('W82: a large step waits for the approval of exactly this operation', async () => {
      const workshop = await world.workshop({ assigned: 10, autoScaling: { approvalAbove: 12 } });
      await phase(workshop, 'AwaitingApproval');
      const { approval } = await world.status(workshop.name);
      await expect(
        handle(workshop).executeUpdate(messages.approveUpdate, { args: [{ operationId: '9-00000000' }] }),
      ).rejects.toMatchObject({ cause: { type: 'ApprovalRefused' } });
      expect(await count(workshop)).toBe(10);
      const operationId = approval?.operationId ?? '';
      await handle(workshop).executeUpdate(messages.approveUpdate, { args: [{ operationId, by: 'mia' }] });
      await grown(workshop, 15);
      expect((await workshop.provision()).status?.autoScaling?.operationId).toBe(operationId);
    });

    test('W83: an override replaces the cap until its time', async () => {
      const workshop = await world.workshop({ assigned: 5 });
      await phase(workshop, 'Idle');
      await handle(workshop).executeUpdate(messages.setOverrideUpdate, {
        args: [{ maxProvisions: 12, until: soon() }],
      });
      await workshop.assign(5);
      await grown(workshop, 12);
      await workshop.catchUp();
      await workshop.assign(2);
      await ended(workshop);
      await eventually(async () =>
        expect((await world.status(workshop.name)).decision).toMatchObject({ reason: 'AtMax', inputs: { cap: 12 } }),
      );
      await handle(workshop).executeUpdate(messages.setOverrideUpdate, { args: [{}] });
      await grown(workshop, 18);
    });

    test('nonsense is refused with the field that is wrong, and a signal of it changes nothing', async () => {
      const workshop = await world.workshop({ assigned: 1 });
      await phase(workshop, 'Idle');
      const nonsense = { reason: 'x', until: 'tomorrow' };
      await expect(handle(workshop).executeUpdate(messages.pauseUpdate, { args: [nonsense] })).rejects.toMatchObject({
        cause: { type: 'InvalidMessage', message: expect.stringContaining('until is "tomorrow"') },
      });
      await handle(workshop).signal(messages.pauseSignal, nonsense);
      await handle(workshop).signal('pause');
      expect(await handle(workshop).executeUpdate(messages.evaluateNowUpdate, { args: [{}] })).toMatchObject({
        reason: 'BelowThreshold',
      });
    });

    test('history and explanation tell the decisions in words', async () => {
      const workshop = await world.workshop({ assigned: 7 });
      await phase(workshop, 'Idle');
      const explanation = await handle(workshop).query(messages.getExplanation);
      expect(explanation).toMatchObject({ reason: 'BelowThreshold' });
      expect(explanation.checks.find(({ number }) => number === 12)).toMatchObject({
        outcome: 'stopped',
        words: expect.stringContaining('7 of 10'),
      });
      const { decisions } = await handle(workshop).query(messages.getAutoscalerHistory);
      expect(decisions.at(-1)).toMatchObject({ reason: 'BelowThreshold', count: 10 });
    });
  });
}
