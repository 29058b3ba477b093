import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import type { Deployments, Groundwork, RunHandle } from '../../client.ts';
import { GroundworkError, OutcomeUnknown } from '../../errors.ts';
import {
  answer,
  type Context,
  type JsonOption,
  repeated,
  waitingSeconds,
  withGroundwork,
  withJson,
} from '../command.ts';
import { UsageError } from '../failing.ts';
import { fileInput, type Json } from '../input.ts';
import type { Colors } from '../io.ts';
import { type WatchOptions, warnUnserved, watchRun } from '../watch.ts';
import { deletionLines, diagnosisLines, planLines, reportLines, restartLines, resultLines } from './print.ts';

/** `groundwork deployment ...` */

type WaitingOptions = WatchOptions & JsonOption & { wait?: boolean };
type InputOptions = { file?: string; set?: string[] };
type InputSchema =
  | 'deploymentInputSchema'
  | 'deploymentDeletionInputSchema'
  | 'instanceRestartInputSchema'
  | 'diagnosisInputSchema';
type MessageOptions = JsonOption & { by?: string; deadline?: number };

export function addDeploymentCommands(program: Command, context: Context): void {
  const deployment = program.command('deployment').description('roll versions out, steer and watch it');
  const command = (name: string, description: string) => deployment.command(name).description(description);

  withWaiting(withInput(command('start', 'roll a version out behind the scope’s balancer')))
    .option('--dry-run', 'only say what would be done')
    .action(async (options: InputOptions & WaitingOptions & { dryRun?: boolean }) => {
      const input = (await inputOf(context, options, 'deploymentInputSchema')) as never;
      await withGroundwork(async (groundwork) => {
        const { deployments } = groundwork;
        if (options.dryRun) {
          const plan = await deployments.plan(input, deadlineOf(options));
          return answer(context.io, options, plan, (colors) => planLines(plan, colors));
        }
        const run = await deployments.start(input, deadlineOf(options));
        await finish(context, groundwork, run, options, resultLines);
      });
    });

  withWaiting(withInput(command('delete', 'remove every deployment of a scope; its DNS and place stay'))).action(
    async (options: InputOptions & WaitingOptions) => {
      const input = (await inputOf(context, options, 'deploymentDeletionInputSchema')) as never;
      await withGroundwork(async (groundwork) => {
        const run = await groundwork.deployments.startDelete(input, deadlineOf(options));
        await finish(context, groundwork, run, options, deletionLines);
      });
    },
  );

  withJson(withInput(command('restart-instance', 'delete one pod of a scope, so that it is replaced'))).action(
    async (options: InputOptions & JsonOption) => {
      const input = (await inputOf(context, options, 'instanceRestartInputSchema')) as never;
      await withGroundwork(async ({ deployments }) => {
        const result = await deployments.restartInstance(input);
        answer(context.io, options, result, (colors) => restartLines(result, colors));
      });
    },
  );

  withJson(withInput(command('diagnose', 'look at everything of a scope and say what is wrong')))
    .option('--request <id>', 'repeating a request joins it; default a new one')
    .action(async (options: InputOptions & JsonOption & { request?: string }) => {
      const input = (await inputOf(context, options, 'diagnosisInputSchema')) as never;
      await withGroundwork(async ({ deployments }) => {
        const result = await deployments.diagnose(input, options.request ?? randomUUID());
        answer(context.io, options, result, (colors) => diagnosisLines(result, colors));
      });
    });

  withJson(command('status', 'what the newest rollout of a scope does, both versions side by side'))
    .argument('<scope>', 'id of the scope')
    .option('--follow', 'show it live until the run ends')
    .action(async (scopeId: string, options: WaitingOptions) => status(context, scopeId, options));

  const percent = (text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > 100) throw new InvalidArgumentError('It must be a whole number 0-100.');
    return value;
  };
  message(
    command('switch', 'move traffic to the new version; answers when the balancer confirms it')
      .argument('<scope>', 'id of the scope')
      .argument('<percent>', 'share of the new version', percent),
  ).action((scopeId: string, share: number, options: MessageOptions) =>
    send(
      context,
      options,
      (deployments, ask) => deployments.switchTraffic(scopeId, share, ask),
      () => [`The new version has ${share} % of the traffic.`],
    ),
  );
  message(scoped(command('finalize', 'keep the new version and remove the old one'))).action(
    (scopeId: string, options: MessageOptions) =>
      send(
        context,
        options,
        (deployments, ask) => deployments.finalize(scopeId, ask),
        () => ['The new version serves alone; the old one is drained and removed.'],
      ),
  );
  message(scoped(command('rollback', 'go back to the old version')))
    .requiredOption('--reason <text>', 'why, for the record')
    .action((scopeId: string, options: MessageOptions & { reason: string }) =>
      send(
        context,
        options,
        (deployments, ask) => deployments.rollback(scopeId, options.reason, ask),
        () => ['The old version serves as before; the new one is removed.'],
      ),
    );
  message(scoped(command('pause', 'finish the running step and start nothing new')))
    .option('--reason <text>', 'why, for the record')
    .action((scopeId: string, options: MessageOptions & { reason?: string }) => {
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      return send(
        context,
        options,
        (deployments, ask) => deployments.pause(scopeId, { ...ask, ...reason }),
        () => [`The rollout is paused. Go on with "groundwork deployment resume ${scopeId}".`],
      );
    });
  message(scoped(command('resume', 'go on after a pause'))).action((scopeId: string, options: MessageOptions) =>
    send(
      context,
      options,
      (deployments, ask) => deployments.resume(scopeId, ask),
      () => ['The rollout goes on.'],
    ),
  );
  message(scoped(command('retry', 'make the present wait look again at once'))).action(
    (scopeId: string, options: MessageOptions) =>
      send(
        context,
        options,
        (deployments, ask) => deployments.retryNow(scopeId, ask),
        ({ waitingFor }) => [`The rollout looks again: it waits for ${waitingFor}`],
      ),
  );
  withJson(scoped(command('cancel', 'ask the open rollout to stop: it goes back to the old version'))).action(
    async (scopeId: string, options: JsonOption) => {
      await withGroundwork(async ({ deployments }) => {
        const run = await deployments.cancel(scopeId);
        answer(context.io, options, run, () => [`${run.workflowId} was asked to stop. ${seeStatus(scopeId)}`]);
      });
    },
  );
}

const seeStatus = (scopeId: string) => `See it with "groundwork deployment status ${scopeId}".`;

function scoped(command: Command): Command {
  return command.argument('<scope>', 'id of the scope');
}

function withInput(command: Command): Command {
  return command
    .option('-f, --file <file>', 'input as JSON; - for stdin')
    .option('--set <path=value>', 'a field; the value is JSON or text; may be repeated', repeated);
}

function withWaiting(command: Command): Command {
  return withJson(command)
    .option('--follow', 'show both versions live')
    .option('--deadline <seconds>', 'stop waiting after that; the run goes on', waitingSeconds)
    .option('--no-wait', 'start only');
}

function message(command: Command): Command {
  return withJson(command)
    .option('--by <name>', 'who asks, for the record')
    .option('--deadline <seconds>', 'stop waiting after that; the run goes on', waitingSeconds);
}

async function inputOf({ io }: Context, { file, set }: InputOptions, schema: InputSchema): Promise<Json> {
  const input = await fileInput(io, file);
  if (set) {
    const [{ setFrom }, schemas] = await Promise.all([
      import('../set.ts'),
      import('../../../contract/schemas/deployment.ts'),
    ]);
    setFrom(input, set, schemas[schema]);
  }
  if (Object.keys(input).length === 0) throw new UsageError('give the input by --file FILE (- for stdin) or by --set');
  return input;
}

async function send<Result>(
  { io }: Context,
  options: MessageOptions,
  ask: (deployments: Deployments, options: { by?: string; deadline?: number }) => Promise<Result>,
  lines: (result: Result) => string[],
): Promise<void> {
  await withGroundwork(async ({ deployments }) => {
    const result = await ask(deployments, {
      ...deadlineOf(options),
      ...(options.by === undefined ? {} : { by: options.by }),
    });
    answer(io, options, result, () => lines(result));
  });
}

async function status(context: Context, scopeId: string, options: WaitingOptions): Promise<void> {
  const { io } = context;
  await withGroundwork(async (groundwork) => {
    const { deployments } = groundwork;
    const before = await deployments.status(scopeId);
    const follows = options.follow === true && before.run.state === 'running';
    if (follows) {
      const run = deployments.attach(before.run);
      const ended = async (wait?: Parameters<typeof run.result>[0]) =>
        void (await run.result(wait).catch(passOverFailedRun));
      await watchRun(watched(context, groundwork, scopeId), { ...run, result: ended }, options);
    }
    const report = follows ? await deployments.status(scopeId) : before;
    answer(io, options, report, (colors) => reportLines(report, colors));
  });
}

/** Waits for a run that was started and prints its result; with `--no-wait` only says that it was. */
async function finish<Result extends { scopeId: string }>(
  context: Context,
  groundwork: Groundwork,
  run: RunHandle<Result>,
  options: WaitingOptions,
  lines: (result: Result, colors: Colors) => string[],
): Promise<void> {
  const { io } = context;
  const { workflowId, runId, joined } = run;
  if (options.wait === false) {
    await warnUnserved(io, groundwork, run.taskQueue);
    const words = joined ? `Joined ${workflowId}, which was running already.` : `Started ${workflowId}.`;
    return answer(io, options, { workflowId, runId, joined }, () => [words]);
  }
  const scopeId = workflowId.slice(workflowId.indexOf('/') + 1);
  const result = await watchRun(watched(context, groundwork, scopeId), run, options);
  answer(io, options, result, (colors) => lines(result, colors));
}

/** While following, the run's checklist and under it both versions with what the waiting activity saw last. */
function watched({ io }: Context, groundwork: Groundwork, scopeId: string) {
  return {
    io,
    groundwork,
    statusCommand: `groundwork deployment status ${scopeId}`,
    more: async () => {
      const { followedLines } = await import('./print.ts');
      const { status } = await groundwork.deployments.status(scopeId);
      return status && status.kind !== 'deletion' ? followedLines(status) : [];
    },
  };
}

/** The report tells how a run failed; only not knowing is an error of the watching. */
function passOverFailedRun(error: unknown): void {
  if (!(error instanceof GroundworkError) || error instanceof OutcomeUnknown) throw error;
}

function deadlineOf({ deadline }: { deadline?: number }): { deadline?: number } {
  return deadline === undefined ? {} : { deadline: deadline * 1000 };
}
