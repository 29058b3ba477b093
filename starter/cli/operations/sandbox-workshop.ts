import type { Arrivals } from '../../../sandbox/controllers/workshop/arrivals.ts';
import type { LogIn } from '../../../sandbox/controllers/workshop/crowd.ts';
import type { SandboxRecord } from '../../../sandbox/record.ts';
import { NotFound } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failing.ts';
import { type Io, writeJson, writeLines } from '../io.ts';
import type { Place } from '../sandbox-workshop-commands.ts';

interface Named {
  name: string;
  json?: boolean;
}

export interface WorkshopOptions extends Named {
  count?: number;
  autoscaling?: unknown;
  completion?: [number, number];
  failRate?: number;
  hangRate?: number;
  seatsPerClaim?: number;
  seed?: number;
}

/** Makes a workshop in a running sandbox, or changes what is given. */
export async function workshop(io: Io, { namespace, name }: Place, options: WorkshopOptions): Promise<number> {
  const record = await running(options.name);
  const { setUpWorkshop } = await import('../../../sandbox/workshop.ts');
  const { completion, failRate, hangRate, seatsPerClaim, seed, count, autoscaling } = options;
  const knobs = {
    completion: completion?.join('-'),
    'fail-rate': failRate,
    'hang-rate': hangRate,
    'seats-per-claim': seatsPerClaim,
    seed,
  };
  const { count: now } = await setUpWorkshop(record, {
    namespace,
    name,
    ...(count === undefined ? {} : { count }),
    ...(autoscaling === undefined ? {} : { autoScaling: autoscaling }),
    ...(seatsPerClaim === undefined ? {} : { multiuser: seatsPerClaim > 1 }),
    knobs: Object.fromEntries(
      Object.entries(knobs).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
    ),
  });
  if (options.json) writeJson(io, { namespace, workshop: name, provision: name, count: now });
  else writeLines(io.stdout, [`Workshop ${namespace}/${name}, provision ${name}: count ${now}`]);
  return exitCodes.done;
}

export interface CrowdOptions extends Named {
  people?: number;
  every?: number;
  for: number;
  random?: boolean;
  stay?: [number, number];
  seed: number;
}

/** Lets people log in and tells who got a seat. The exit code is 0 also when people were rejected: that is a figure. */
export async function crowd(io: Io, { namespace, name }: Place, options: CrowdOptions): Promise<number> {
  const arrivals = arrivalsOf(options);
  const record = await running(options.name);
  const { sendCrowd } = await import('../../../sandbox/workshop.ts');
  const told = (person: string, result: LogIn) => {
    if (!options.json) writeLines(io.stdout, [`${person}: ${words[result]}`]);
  };
  const plan = { arrivals, ...(options.stay ? { stay: options.stay } : {}) };
  const report = await sendCrowd(record, { namespace, workshop: name, seed: options.seed }, plan, told);
  const { none, full } = report.rejected;
  if (options.json) writeJson(io, report);
  else
    writeLines(io.stdout, [
      `${report.arrived} came, ${report.seated} got a seat, ${none + full} were rejected, ${report.left} left again`,
    ]);
  return exitCodes.done;
}

const words: Record<LogIn, string> = {
  taken: 'got a seat',
  held: 'has a seat already',
  none: 'rejected, the workshop has no seats yet (404)',
  full: 'rejected, every seat is taken (409)',
};

function arrivalsOf({ people, every, for: forSeconds, random }: CrowdOptions): Arrivals {
  if ((people === undefined) === (every === undefined)) throw new UsageError('say either --people or --every');
  if (people !== undefined) return { kind: 'burst', people };
  return { kind: random ? 'poisson' : 'steady', everySeconds: every ?? 1, forSeconds };
}

async function running(name: string): Promise<SandboxRecord> {
  const { status } = await import('../../../sandbox/running.ts');
  const now = await status(name);
  if (now.state === 'running') return now.record;
  throw new NotFound(`Sandbox ${name} does not run. "groundwork sandbox up" starts it.`);
}
