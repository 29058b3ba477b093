import { describe, expect, test } from 'vitest';
import { eventually } from '../support/inspect.ts';
import { workshopWorld } from '../support/workshop-world.ts';
import { groundworkHere } from './cli.ts';

/** `groundwork workshop ...` as an operator types it, against a workshop that fills up. */

const world = workshopWorld();

/** Options that every command needs; the cluster comes from the environment. */
const where = () => ['-n', world.namespace];
const run = (...args: string[]) => groundworkHere(['workshop', ...args], { env: world.environment });

describe('groundwork workshop', () => {
  test('shows, explains, pauses, overrides, approves and cancels', { timeout: 180_000 }, async () => {
    const workshop = await world.workshop({ count: 4, assigned: 3, autoScaling: { approvalAbove: 5 } });
    await eventually(async () => expect((await world.status(workshop.name)).decision).toBeDefined());
    const { name } = workshop;

    const status = await run('status', name, ...where());
    const explanation = await run('explain', name, ...where());
    const history = await run('history', name, ...where());
    expect(status.stdout).toMatch(
      /phase +Idle\n[\s\S]*seats +3 of 4 taken[\s\S]*decision +BelowThreshold: 3 of 4 seats/,
    );
    expect(explanation.stdout).toMatch(/stop {2}12 {2}BelowThreshold, EnoughAvailable: 3 of 4/);
    expect(history.stdout).toContain('BelowThreshold');

    const paused = await run('pause', name, ...where(), '--reason', 'exam', '--until', '2h', '--by', 'mia');
    expect(paused.stdout).toMatch(/is paused until \d{4}-/);
    await workshop.assign(1);
    expect((await run('resume', name, ...where())).stdout).toContain('is resumed');

    await eventually(async () => expect((await world.status(name)).phase).toBe('AwaitingApproval'));
    const { approval } = await world.status(name);
    const [dry, json, refused] = await Promise.all([
      run('evaluate', name, ...where(), '--dry-run'),
      run('evaluate', name, ...where(), '--dry-run', '--json'),
      run('approve', name, '1-00000000', ...where()),
    ]);
    expect(dry.stdout).toMatch(/^No action: ApprovalRequired\n +why +target 6 is above 5/);
    expect(JSON.parse(json.stdout)).toMatchObject({ reason: 'ApprovalRequired', target: 6, inputs: { count: 4 } });
    expect((await workshop.provision()).spec?.count).toBe(4);
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('ApprovalRefused')]);
    const approved = await run('approve', name, approval?.operationId ?? '', ...where());
    expect(approved.stdout).toContain('may grow to 6');
    await eventually(async () => expect((await workshop.provision()).spec?.count).toBe(6));

    expect((await run('cancel', name, ...where(), '--reason', 'enough')).stdout).toMatch(
      /Operation 1-\w+ is cancelled[\s\S]*pause/,
    );
    await eventually(async () => expect((await workshop.provision()).status?.autoScalingActive).toBeUndefined());
    const override = await run('override', name, ...where(), '--max', '7', '--until', '1d');
    expect(override.stdout).toContain('is 7 until');
    await eventually(async () => expect((await run('list', ...where())).stdout).toContain(name), 30);
  });

  test('refuses what makes no sense, in one line and with an exit code', async () => {
    const unknown = await run('pause', 'no-such-provision', ...where(), '--reason', 'exam');
    const never = await run('status', 'never-seen', ...where());
    const wrong = await run('status', 'Not A Name', ...where());
    const missing = await run('pause', 'lab', ...where());
    expect([unknown.code, unknown.stderr]).toEqual([
      3,
      expect.stringMatching(/^groundwork: NotFound: provision .*does not exist\n$/),
    ]);
    expect([never.code, never.stderr]).toEqual([3, expect.stringContaining('has no autoscaler')]);
    expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringMatching(/^groundwork: name: must be/)]);
    expect(missing.code).toBe(2);
  });
});
