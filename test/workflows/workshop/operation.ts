import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/inspect.ts';
import type { TestWorkshop } from '../../support/workshop-objects.ts';
import type { WorkshopWorld } from '../../support/workshop-world.ts';

/** The life of one operation on the real API server: from a full workshop to a flag that is cleared. */
export function operations(world: WorkshopWorld): void {
  const shape = async (workshop: TestWorkshop) => {
    const { spec, status } = await workshop.provision();
    const { autoScalingActive: flag, autoScaling } = status ?? {};
    return { count: spec?.count, flag, result: autoScaling?.lastResult };
  };

  /** Waits until the first step is written. */
  async function grown(workshop: TestWorkshop, count: number): Promise<void> {
    await eventually(async () => expect(await shape(workshop)).toMatchObject({ count, flag: true }));
  }

  /** Waits for so many further looks of the run. */
  async function looks(workshop: TestWorkshop, more: number): Promise<void> {
    const { counters } = await world.status(workshop.name);
    await eventually(async () =>
      expect((await world.status(workshop.name)).counters.evaluations).toBeGreaterThanOrEqual(
        counters.evaluations + more,
      ),
    );
  }

  describe('a workshop that fills up', () => {
    test('W5 W20 W21 W26: flag before count in two requests, wait, flag cleared, told as events and kept as a row', async () => {
      const workshop = await world.workshop({ assigned: 8 });
      await grown(workshop, 15);
      expect(world.patches(workshop.name).slice(0, 2)).toEqual(['status', 'object']);
      await workshop.catchUp();
      await eventually(async () =>
        expect(await shape(workshop)).toEqual({ count: 15, flag: undefined, result: 'Succeeded' }),
      );
      await eventually(async () =>
        expect(await workshop.events()).toEqual([
          'ScaleUpSettled: 15 of 15 claims are active',
          'ScaleUpStarted: 8 of 10 seats are taken, threshold 0.8: 10 -> 15',
        ]),
      );
      await eventually(async () => {
        const { rows } = await world.database.query(
          `select from_count, target_count, result, ended_at >= started_at as ended from workshop_operation where provision = $1`,
          [workshop.name],
        );
        expect(rows).toEqual([{ from_count: 10, target_count: 15, result: 'Succeeded', ended: true }]);
      });
    });

    test('W22 W23 W24 W25 W28: one count write however often it is told, until all are there and complete', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      for (let signal = 0; signal < 30; signal++) await world.wake(workshop.name);
      await looks(workshop, 2);
      expect(await shape(workshop)).toMatchObject({ count: 15, flag: true });
      const [late] = await workshop.addClaims(5, 'provisioning');
      await looks(workshop, 2);
      expect(await shape(workshop)).toMatchObject({ count: 15, flag: true });
      for (const { metadata, status } of await workshop.claims()) {
        const state = status?.resources?.[0]?.state?.spec?.vars?.current_state;
        if (state === 'provisioning' && metadata?.name !== late) await workshop.become(metadata?.name ?? '', 'active');
      }
      await looks(workshop, 2);
      expect(await shape(workshop)).toMatchObject({ count: 15, flag: true });
      await workshop.become(late ?? '', 'active');
      await eventually(async () => expect(await shape(workshop)).toMatchObject({ count: 15, flag: undefined }));
      expect(world.patches(workshop.name).filter((what) => what === 'object')).toHaveLength(1);
    });

    test('W27: new claims that failed count as settled, and the result says so', async () => {
      const workshop = await world.workshop({ assigned: 10, autoScaling: { maxProvisions: 15 } });
      await grown(workshop, 15);
      await workshop.addClaims(3, 'failed');
      await workshop.addClaims(5);
      await eventually(async () =>
        expect(await shape(workshop)).toEqual({ count: 15, flag: undefined, result: 'PartiallyFailed' }),
      );
    });

    test('W29: disabled while active: flag cleared, count kept, and the run ends', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      await workshop.configure({ enabled: false });
      await eventually(async () =>
        expect(await shape(workshop)).toEqual({ count: 15, flag: undefined, result: 'Cancelled' }),
      );
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      expect(await handle.result()).toMatchObject({ decision: { reason: 'Disabled' }, lastResult: 'Cancelled' });
    });

    test('W30: a claim that never completes ends at the deadline: timed out, degraded, backing off', async () => {
      const workshop = await world.workshop({ assigned: 10, autoScaling: { completionTimeoutSeconds: 200 } });
      await grown(workshop, 15);
      await workshop.addClaims(5, 'provisioning');
      await eventually(async () =>
        expect(await shape(workshop)).toEqual({ count: 15, flag: undefined, result: 'TimedOut' }),
      );
      const { status } = await workshop.provision();
      const degraded = status?.autoScaling?.conditions?.find(({ type }) => type === 'Degraded');
      expect(degraded).toMatchObject({ status: 'True', reason: 'TimedOut' });
      await eventually(async () =>
        expect(await workshop.events()).toEqual(expect.arrayContaining([expect.stringMatching(/^ScaleUpTimedOut/)])),
      );
    });

    test('W33: still full after it settled: the next step comes after the cool-down, with a later epoch', async () => {
      const workshop = await world.workshop({ count: 2, assigned: 2 });
      await grown(workshop, 3);
      const { status: first } = await workshop.provision();
      await workshop.catchUp();
      await workshop.assign(1);
      await eventually(async () => expect((await world.status(workshop.name)).phase).toBe('CoolingDown'));
      await grown(workshop, 4);
      const { status: second } = await workshop.provision();
      expect(first?.autoScaling?.operationId).toMatch(/^1-[0-9a-f]{8}$/);
      expect(second?.autoScaling?.operationId).toMatch(/^2-[0-9a-f]{8}$/);
    });

    test('W34 W36: a provision that is deleted while it is waited for gets no further write, and the run ends', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await workshop.edit('provision', workshop.name, { metadata: { finalizers: ['test.example.com/hold'] } });
      await grown(workshop, 15);
      await workshop.remove('provision', workshop.name);
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      expect(await handle.result()).toMatchObject({ phase: 'Gone', decision: { reason: 'ProvisionGone' } });
      const before = world.patches(workshop.name);
      await world.wake(workshop.name);
      expect(await handle.result()).toMatchObject({ phase: 'Gone' });
      expect(world.patches(workshop.name)).toEqual(before);
      await workshop.edit('provision', workshop.name, { metadata: { finalizers: null } });
    });

    test('W35 E41: recreated under the same name: the old operation is forgotten, nothing is carried over', async () => {
      const workshop = await world.workshop({ assigned: 10 });
      await grown(workshop, 15);
      let uid: string | undefined;
      world.around = async (name, run) => {
        if (name === 'observe' && uid === undefined) {
          uid = '';
          await workshop.remove('provision', workshop.name);
          await workshop.addProvision(workshop.name, 10);
          uid = (await workshop.provision()).metadata?.uid;
        }
        return run();
      };
      await eventually(async () => {
        expect(await world.status(workshop.name)).toMatchObject({ uid, counters: { countWrites: 1 } });
        expect((await workshop.provision()).metadata?.uid).toBe(uid);
        expect(await shape(workshop)).toMatchObject({ count: 15, flag: true });
      });
      world.around = undefined;
      expect((await workshop.provision()).status?.autoScaling?.operationId).toMatch(/^1-/);
    });

    test('a watch that breaks is taken up again: what happened meanwhile is seen', async () => {
      const workshop = await world.workshop({ assigned: 1 });
      await eventually(async () => expect((await world.status(workshop.name)).decision).toBeDefined());
      const gone = { kind: 'reset' as const };
      const rule = world.faults.add({ match: { service: 'kubernetes', resource: 'watch=true' }, effect: gone });
      world.proxy.cut();
      await workshop.assign(9);
      await eventually(async () =>
        expect(world.faults.applied().filter(({ ruleId }) => ruleId === rule).length).toBeGreaterThan(3),
      );
      world.faults.remove(rule);
      await grown(workshop, 15);
    });

    test('W37: a workshop that goes away ends the run', async () => {
      const workshop = await world.workshop({ assigned: 1 });
      await eventually(async () => expect((await world.status(workshop.name)).phase).toBe('Idle'));
      await workshop.remove('workshop', workshop.name);
      const handle = world.client.workflow.getHandle(world.workflowId(workshop.name));
      expect(await handle.result()).toMatchObject({ decision: { reason: 'WorkshopGone' } });
    });

    test('W1 W2 W3 W43: absent, empty, disabled and ignored: nothing is written', async () => {
      const absent = await world.workshop({ assigned: 10, autoScaling: null });
      const empty = await world.workshop({ assigned: 10, autoScaling: null });
      await empty.configure({});
      const disabled = await world.workshop({ assigned: 10, autoScaling: { enabled: false } });
      const label = { 'babylon.gpte.redhat.com/ignore': 'true' };
      const ignored = await world.workshop({ assigned: 10, provisionLabels: label });
      for (const workshop of [absent, empty, disabled, ignored]) await world.wake(workshop.name);
      const reasons = await Promise.all(
        [absent, empty, disabled].map(
          async ({ name }) => (await world.client.workflow.getHandle(world.workflowId(name)).result()).decision.reason,
        ),
      );
      expect(reasons).toEqual(['Disabled', 'Disabled', 'Disabled']);
      await eventually(async () =>
        expect((await world.status(ignored.name)).decision).toMatchObject({ reason: 'Ignored' }),
      );
      for (const { name } of [absent, empty, disabled, ignored]) expect(world.patches(name)).toEqual([]);
    });
  });

  describe('a workshop that empties', () => {
    test('W75 W76 E40: only claims without an assigned seat are removed, and a log-in meanwhile saves its claim', async () => {
      const scaleDown = { enabled: true, delaySeconds: 20 };
      const workshop = await world.workshop({ count: 6, assigned: 2, autoScaling: { scaleDown } });
      let saved: string | undefined;
      world.around = async (name, run) => {
        if (name !== 'deleteClaim' || saved !== undefined) return run();
        const free = (await workshop.seats()).filter(({ spec }) => spec?.assignment === undefined);
        saved = '';
        for (const { metadata, spec } of free.slice(0, 1)) {
          saved = spec?.resourceClaimName;
          await workshop.edit('seat', metadata?.name ?? '', { spec: { assignment: { email: 'late@example.com' } } });
        }
        return run();
      };
      await eventually(async () => {
        const { count, flag, result } = await shape(workshop);
        expect({ flag, result }).toEqual({ flag: undefined, result: 'Succeeded' });
        expect(count).toBeLessThan(6);
        expect(await workshop.claims()).toHaveLength(count ?? 0);
      }, 30);
      world.around = undefined;
      const left = (await workshop.claims()).map(({ metadata }) => metadata?.name);
      expect(left).toContain(saved);
      for (const { spec } of await workshop.seats())
        if (spec?.assignment) expect(left).toContain(spec.resourceClaimName);
    });
  });
}
