import { type Command, Option } from 'commander';
import { scopePhases } from '../../../contract/scope/status.ts';
import type { Groundwork, RunHandle, ScopeCreationInput, ScopeFilter, WaitOptions } from '../../client.ts';
import { GroundworkError, OutcomeUnknown } from '../../errors.ts';
import { runStates } from '../../run-states.ts';
import {
  answer,
  type Context,
  type JsonOption,
  positiveWhole,
  repeated,
  waitingSeconds,
  withGroundwork,
  withJson,
} from '../command.ts';
import type { Colors } from '../io.ts';
import { type WatchOptions, warnUnserved, watchRun } from '../watch.ts';
import { type CreationOptions, creationInput, type DeletionOptions, deletionInput } from './input.ts';
import { creationLines, deletionLines, listLines, planLines, reportLines } from './print.ts';

/** `groundwork scope ...` */

type WaitingOptions = WatchOptions & JsonOption & { wait?: boolean };

export function addScopeCommands(program: Command, context: Context): void {
  const scope = program.command('scope').description('create, delete and look at scopes');
  const { io } = context;

  withWaiting(withCreationOptions(scope.command('create').description('create a scope, or verify and repair it')))
    .option('--dry-run', 'only say what would be done, as "scope plan"')
    .action(async (options: CreationOptions & WaitingOptions & { dryRun?: boolean }) => {
      const input = await checkedCreation(context, options);
      if (options.dryRun) return plan(context, input, options);
      await withGroundwork(async (groundwork) => {
        const run = await groundwork.scopes.start(input, deadlineOf(options));
        await finish(context, groundwork, run, input.scopeId, options, creationLines);
      });
    });

  withFollow(
    withCreationOptions(scope.command('plan').description('say what a creation would do; nothing is made')),
  ).action(async (options: CreationOptions & WaitingOptions) =>
    plan(context, await checkedCreation(context, options), options),
  );

  withWaiting(
    scope
      .command('delete')
      .description('delete a scope')
      .argument('[id]', 'id of the scope')
      .option('-f, --file <file>', 'input as JSON; - for stdin')
      .option('--force', 'also end an open rollout and remove its objects')
      .option('--adopt', 'remove the records of a scope that the ledger does not know')
      .option('--domain <name>', 'domain of such a scope')
      .option('--region <region>', 'region of such a scope')
      .option('--zone-public <id>', 'public hosted zone of such a scope')
      .option('--zone-private <id>', 'private hosted zone of such a scope'),
  ).action(async (id: string | undefined, options: DeletionOptions & WaitingOptions) => {
    const given = await deletionInput(io, { ...options, ...(id === undefined ? {} : { id }) });
    const { checkScopeDeletion } = await import('../../check.ts');
    const input = checkScopeDeletion(given);
    await withGroundwork(async (groundwork) => {
      const run = await groundwork.scopes.startDelete(input, deadlineOf(options));
      await finish(context, groundwork, run, input.scopeId, options, deletionLines);
    });
  });

  withJson(
    scope
      .command('status')
      .description('what the newest run of a scope does, waits for and decided')
      .argument('<id>', 'id of the scope')
      .option('--follow', 'show the live checklist until the run ends'),
  ).action(async (id: string, options: WaitingOptions) => {
    await withGroundwork(async (groundwork) => {
      const { scopes } = groundwork;
      const before = await scopes.status(id);
      const follows = options.follow === true && before.run.state === 'running';
      if (follows) {
        const run = scopes.attach(before.run);
        const ended = async (wait?: WaitOptions) => void (await run.result(wait).catch(passOverFailedRun));
        await watchRun(watched(context, groundwork, id), { ...run, result: ended }, options);
      }
      const report = follows ? await scopes.status(id) : before;
      answer(io, options, report, (colors) => reportLines(report, colors));
    });
  });

  withJson(
    scope
      .command('list')
      .description('runs of scopes, newest first')
      .option('--id <id>', 'of one scope')
      .option('--environment <name>', 'of one environment')
      .addOption(new Option('--phase <phase>', 'in one phase').choices(scopePhases))
      .addOption(new Option('--state <state>', 'in one state').choices(runStates))
      .addOption(new Option('--kind <kind>', 'of one kind').choices(['creation', 'deletion', 'plan']))
      .option('--limit <count>', 'at most so many', positiveWhole, 50),
  ).action(async ({ json, id, ...filter }: JsonOption & { id?: string } & Omit<ScopeFilter, 'scopeId'>) => {
    await withGroundwork(async ({ scopes }) => {
      const entries = await scopes.list({ ...filter, ...(id === undefined ? {} : { scopeId: id }) });
      answer(io, json ? { json } : {}, entries, (colors) => listLines(entries, colors));
    });
  });

  withJson(
    scope
      .command('retry')
      .description('make the present wait of a scope look again at once')
      .argument('<id>', 'id of the scope')
      .option('--by <name>', 'who asks, for the record'),
  ).action(async (id: string, options: JsonOption & { by?: string }) => {
    await withGroundwork(async ({ scopes }) => {
      const asked = await scopes.retryNow(id, options.by === undefined ? {} : { by: options.by });
      answer(io, options, asked, () => [`${asked.workflowId} looks again: it waits for ${asked.waitingFor}`]);
    });
  });

  withJson(
    scope
      .command('cancel')
      .description('ask the open runs of a scope to stop; each undoes what it made')
      .argument('<id>', 'id of the scope'),
  ).action(async (id: string, options: JsonOption) => {
    await withGroundwork(async ({ scopes }) => {
      const runs = await scopes.cancel(id);
      answer(io, options, runs, () =>
        runs.map(({ workflowId }) => `${workflowId} was asked to stop. See it with "groundwork scope status ${id}".`),
      );
    });
  });
}

function withCreationOptions(command: Command): Command {
  return command
    .option('-f, --file <file>', 'input as JSON; - for stdin. Options count more than the file')
    .option('--id <id>', 'id of the scope')
    .option('--account <slug>', 'slug of the account')
    .option('--namespace <slug>', 'slug of the namespace')
    .option('--application <slug>', 'slug of the application')
    .option('--scope <slug>', 'slug of the scope')
    .option('--nrn <nrn>', 'key=id:key=id:...')
    .option('--visibility <visibility>', 'public or private')
    .option('--region <region>', 'AWS region')
    .option('--environment <name>', 'for example prod')
    .option('--dns-type <type>', 'route53 or external_dns')
    .option('--domain <name>', 'generated from the slugs when absent')
    .option('--additional-domain <name>', 'a further domain; may be repeated', repeated)
    .option('--zone-public <id>', 'public hosted zone')
    .option('--zone-private <id>', 'private hosted zone')
    .option('--kubernetes-namespace <name>', 'namespace in the cluster')
    .option('--set <path=value>', 'any other field; the value is JSON or text; may be repeated', repeated);
}

function withFollow(command: Command): Command {
  return withJson(command)
    .option('--follow', 'show the live checklist')
    .option('--deadline <seconds>', 'stop waiting after that; the run goes on', waitingSeconds);
}

function withWaiting(command: Command): Command {
  return withFollow(command).option('--no-wait', 'start only');
}

/** The input, checked before anything is connected to. */
async function checkedCreation({ io }: Context, options: CreationOptions): Promise<ScopeCreationInput> {
  const given = await creationInput(io, options);
  const { checkScopeCreation } = await import('../../check.ts');
  return checkScopeCreation(given);
}

async function plan(context: Context, input: ScopeCreationInput, options: WaitingOptions): Promise<void> {
  await withGroundwork(async (groundwork) => {
    const run = await groundwork.scopes.startPlan(input, deadlineOf(options));
    const result = await watchRun(watched(context, groundwork, input.scopeId), run, options);
    answer(context.io, options, result, (colors) => planLines(result, colors));
  });
}

/** Waits for a run that was started and prints its result; with `--no-wait` only says that it was. */
async function finish<Result>(
  context: Context,
  groundwork: Groundwork,
  run: RunHandle<Result>,
  scopeId: string,
  options: WaitingOptions,
  lines: (result: Result, colors: Colors) => string[],
): Promise<void> {
  const { io } = context;
  const { workflowId, runId, joined } = run;
  const words = joined ? `Joined ${workflowId}, which was running already.` : `Started ${workflowId}.`;
  if (options.wait === false) {
    await warnUnserved(io, groundwork, run.taskQueue);
    answer(io, options, { workflowId, runId, joined }, () => [words]);
    return;
  }
  if (joined) io.stderr.write(`${words}\n`);
  const result = await watchRun(watched(context, groundwork, scopeId), run, options);
  answer(io, options, result, (colors) => lines(result, colors));
}

function watched({ io }: Context, groundwork: Groundwork, scopeId: string) {
  return { io, groundwork, statusCommand: `groundwork scope status ${scopeId}` };
}

/** The report tells how a run failed; only not knowing is an error of the watching. */
function passOverFailedRun(error: unknown): void {
  if (!(error instanceof GroundworkError) || error instanceof OutcomeUnknown) throw error;
}

function deadlineOf({ deadline }: WatchOptions): { deadline?: number } {
  return deadline === undefined ? {} : { deadline: deadline * 1000 };
}
