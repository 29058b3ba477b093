import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { defineUpdate } from '@temporalio/workflow';
import type { ClaimOutcome } from '../../../activities/ip/claim.ts';
import type { IpClaimInput } from '../../../contract/ip/claim.ts';
import { uuidV7 } from '../../../domain/ip/uid.ts';
import type { Report } from '../../../sandbox/binaries/progress.ts';
import { freePorts } from '../../../sandbox/processes/ports.ts';
import type { Groundwork } from '../../../starter/client.ts';
import { type Distribution, distribution } from '../../statistics.ts';
import type { Bed } from '../bed.ts';
import { proveDisjoint, proveSound } from '../checks.ts';
import { searchClaim } from '../search.ts';
import { LENGTH, OWNER, POOL, Session } from '../session.ts';
import type { Shape } from '../shape.ts';
import { makePool, stock } from '../stock.ts';
import type { System } from '../system.ts';
import { ARMS_QUEUE, type Block, type Timed } from './shared.ts';

/** One way to claim a block, measured with one client and with several. Times in milliseconds, as the caller sees them. */
export interface ArmFigures {
  readonly arm: string;
  readonly one: Distribution;
  readonly several: Distribution;
  /** Least and greatest median of a round with one client: how much the machine let it vary. */
  readonly medians: readonly [number, number];
  /** Events of the history of one claim; absent where there is none. */
  readonly events?: number;
  /** Transactions of PostgreSQL that wrote, for one claim. */
  readonly transactions: number;
}

export interface ArmsFigures {
  readonly clients: number;
  readonly live: number;
  readonly arms: readonly ArmFigures[];
  /** A batch of 100 by update-with-start, one client. */
  readonly batchOf100: Distribution;
}

export const OURS = 'update-with-start: Groundwork';
/** Nothing but the claim, as a local activity. */
export const LEAST = 'update-with-start: local activity alone';
export const EMPTY = 'update-with-start: an empty workflow';

interface Arm {
  readonly name: string;
  /** Claims these names, one caller for each list, one after the other in a list. */
  claim(names: readonly (readonly string[])[]): Promise<Timed[]>;
  /** A run of the arm that has claimed `name`. */
  workflowId?(name: string): string;
  /** Claims nothing: it is there for comparison. */
  readonly empty?: true;
}

export async function measureArms(bed: Bed, system: System, shape: Shape, report: Report): Promise<ArmsFigures> {
  report('Starting the process of the other arms');
  const { clients, live, rounds, claims } = shape.arms;
  const sql = await Promise.all(Array.from({ length: clients }, () => Session.open(system.databaseUrl)));
  const [admin] = sql as [Session];
  const [port = 0] = await freePorts(1);
  try {
    await makePool(admin);
    await stock(admin, 0, live);
    await startArms(bed, system, port);
    const callers = await Promise.all(Array.from({ length: clients }, () => system.connect()));
    const arms = armsOf(sql, callers, `http://127.0.0.1:${port}`);
    const times = new Map(arms.map(({ name }) => [name, { one: [] as number[][], several: [] as number[], xids: 0 }]));
    for (let round = 0; round <= rounds; round++) {
      report(round === 0 ? 'Warming up every arm' : `Every arm in turn, round ${round} of ${rounds}`);
      for (const arm of arms) {
        const alone = await claimAll(admin, arm, `r${round}-1`, 1, claims);
        const together = await claimAll(admin, arm, `r${round}-n`, clients, claims);
        const known = times.get(arm.name);
        if (round === 0 || !known) continue;
        known.one.push(alone.milliseconds);
        known.several.push(...together.milliseconds);
        known.xids += alone.xids;
      }
    }
    const batchOf100 = await measureBatches(admin, callers[0] as Groundwork, rounds);
    await proveSound(admin, live);
    const figures = arms.map(async (arm): Promise<ArmFigures> => {
      const { one, several, xids } = times.get(arm.name) ?? { one: [], several: [], xids: 0 };
      const medians = one.map((round) => distribution(round).p50);
      const events = await eventsOf(arm, callers[0] as Groundwork);
      return {
        arm: arm.name,
        one: distribution(one.flat()),
        several: distribution(several),
        medians: [Math.min(...medians), Math.max(...medians)],
        ...(events === undefined ? {} : { events }),
        transactions: xids / one.flat().length,
      };
    });
    return { clients, live, arms: await Promise.all(figures), batchOf100 };
  } finally {
    await bed.supervisor.stopChild('arms');
    for (const session of sql) await session.close();
  }
}

async function startArms({ supervisor }: Bed, { settings }: System, port: number): Promise<void> {
  const program = fileURLToPath(new URL('./process.ts', import.meta.url));
  await supervisor.start({
    name: 'arms',
    command: process.execPath,
    args: ['--import', import.meta.resolve('tsx'), program],
    env: { ...process.env, ...settings, ARMS_PORT: String(port) },
    stop: { signal: 'SIGTERM', graceMs: 10_000 },
    readyWithinMs: 90_000,
    ready: async () => (await fetch(`http://127.0.0.1:${port}/`)).ok,
  });
}

/** Claims, proves that the blocks are disjoint, and gives them back, past the arms. */
async function claimAll(admin: Session, arm: Arm, prefix: string, clients: number, claims: number) {
  const names = Array.from({ length: clients }, (_, who) =>
    Array.from({ length: claims }, (_, index) => `${prefix}-${who}-${index}`),
  );
  const before = await nextXid(admin);
  const given = await arm.claim(names);
  const xids = (await nextXid(admin)) - before;
  if (!arm.empty && arm.name !== SEARCH) await proveDisjoint(admin, given.length);
  if (!arm.empty && arm.name !== SEARCH) for (const { uid } of given) await admin.release(uid);
  return { milliseconds: given.map(({ milliseconds }) => milliseconds), xids };
}

/** Transactions that write are numbered; asking for the next number takes none. */
async function nextXid({ client }: Session): Promise<number> {
  const { rows } = await client.query<{ xid: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
  return Number(rows[0]?.xid);
}

async function measureBatches(admin: Session, { ip }: Groundwork, rounds: number): Promise<Distribution> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const name = `batch-${round}`;
    const input = inputOf(name);
    const began = performance.now();
    const blocks = await ip.claimMany({ ...input, spec: { ...input.spec, count: 100 } });
    if (round > 0) times.push(performance.now() - began);
    await proveDisjoint(admin, blocks.length);
    for (const { uid } of blocks) await admin.release(uid);
  }
  return distribution(times);
}

async function eventsOf(arm: Arm, { temporal }: Groundwork): Promise<number | undefined> {
  if (!arm.workflowId) return undefined;
  return (await temporal.workflow.getHandle(arm.workflowId('r1-1-0-0')).describe()).historyLength;
}

const inputOf = (name: string): IpClaimInput => ({
  owner: OWNER,
  namespace: 'load',
  name,
  spec: { ipFamily: 'IPv4', poolRef: { name: POOL }, prefixLength: LENGTH },
});

const SEARCH = 'SQL: read all, search, insert';

function armsOf(sql: readonly Session[], callers: readonly Groundwork[], http: string): Arm[] {
  const temporal = (name: string, claim: (caller: Groundwork, name: string) => Promise<Block>, id?: string): Arm => ({
    name,
    claim: each((who, claimed) => claim(callers[who] as Groundwork, claimed)),
    ...(id === undefined ? {} : { workflowId: (claimed: string) => join(id, claimed) }),
  });
  const start =
    (type: string) =>
    async ({ temporal: { workflow } }: Groundwork, name: string) => {
      const args = [inputOf(name)];
      const options = { taskQueue: ARMS_QUEUE, workflowId: `${type}/${name}`, args };
      return blockOf((await workflow.execute(type, options)) as ClaimOutcome);
    };
  return [
    { name: 'SQL: ipam_claim', claim: each((who, name) => (sql[who] as Session).claim(name)) },
    { name: SEARCH, claim: each((who, name) => searchClaim(sql[who] as Session, name)) },
    { name: 'HTTP service, ipam_claim, table of keys', claim: each((_, name) => overHttp(http, name)) },
    temporal('start, activity, result', start('claimByActivity'), 'claimByActivity'),
    temporal('start, local activity, result', start('claimByLocalActivity'), 'claimByLocalActivity'),
    {
      name: 'eager start, local activity, result',
      claim: async (names) => {
        const body = JSON.stringify(names.map((mine) => mine.map(inputOf)));
        return (await post(`${http}/eager`, {}, body)) as Timed[];
      },
      workflowId: (name) => `eager/${name}`,
    },
    temporal('standalone activity', ({ temporal: { activity } }, name) => standalone(activity, name)),
    {
      ...temporal(
        EMPTY,
        async (caller, name) => {
          await ask(caller, 'emptyUpdate', `empty/${name}`, []);
          return { uid: '', cidr: '' };
        },
        'empty',
      ),
      empty: true,
    },
    temporal(
      LEAST,
      async (caller, name) => blockOf(await ask(caller, 'claimByUpdate', `least/${name}`, [inputOf(name)])),
      'least',
    ),
    temporal(OURS, async ({ ip }, name) => bound(await ip.claim(inputOf(name))), `ip-claim/${OWNER}/load`),
  ];
}

/** Callers side by side, each one claim after the other. */
function each(claim: (who: number, name: string) => Promise<Block>): Arm['claim'] {
  return async (names) => {
    const times = await Promise.all(
      names.map(async (mine, who) => {
        const own: Timed[] = [];
        for (const name of mine) {
          const began = performance.now();
          const { uid, cidr } = await claim(who, name);
          own.push({ uid, cidr, milliseconds: performance.now() - began });
        }
        return own;
      }),
    );
    return times.flat();
  };
}

function blockOf(outcome: ClaimOutcome): Block {
  if (outcome.kind !== 'bound') throw new Error(`a claim was answered "${outcome.kind}"`);
  return bound(outcome.answer);
}

const bound = ({ uid, allocatedCIDR: cidr }: { uid: string; allocatedCIDR: string }): Block => ({ uid, cidr });

const overHttp = async (http: string, name: string) =>
  (await post(`${http}/claim`, { 'idempotency-key': name }, JSON.stringify({ name }))) as Block;

async function post(url: string, headers: Record<string, string>, body: string): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  return response.json();
}

async function standalone(activity: Groundwork['temporal']['activity'], name: string): Promise<Block> {
  const uids = [uuidV7(Date.now(), crypto.randomUUID())];
  const outcome = await activity.execute<ClaimOutcome>('claimAddress', {
    id: name,
    taskQueue: ARMS_QUEUE,
    startToCloseTimeout: '3s',
    args: [{ input: inputOf(name), uids, final: true }],
  });
  return blockOf(outcome);
}

function ask(
  { temporal: { workflow } }: Groundwork,
  type: string,
  workflowId: string,
  args: unknown[],
): Promise<ClaimOutcome> {
  return workflow.executeUpdateWithStart(defineUpdate<ClaimOutcome>('ask'), {
    startWorkflowOperation: new WithStartWorkflowOperation(type, {
      taskQueue: ARMS_QUEUE,
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args,
    }),
  });
}
