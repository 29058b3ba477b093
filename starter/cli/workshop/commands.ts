import { type Command, InvalidArgumentError, Option } from 'commander';
import { autoscalerPhases } from '../../../contract/workshop/status.ts';
import type { AutoscalerFilter, ProvisionAddress } from '../../client.ts';
import { runStates } from '../../run-states.ts';
import { answer, type Context, type JsonOption, positiveWhole, withGroundwork, withJson } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { decisionLines, explanationLines, historyLines, listLines, reportLines } from './print.ts';

/** `groundwork workshop ...`: watching and steering the autoscalers of workshops. */

interface Where {
  namespace: string;
  cluster?: string;
}

type Given<T = object> = Where & JsonOption & T;

export function addWorkshopCommands(program: Command, context: Context): void {
  const workshop = program.command('workshop').description('watch and steer the autoscaling of workshops');
  const { io } = context;

  const command = (name: string, description: string) =>
    withJson(workshop.command(name).description(description))
      .argument('<provision>', "name of the WorkshopProvision, usually the workshop's")
      .requiredOption('-n, --namespace <namespace>', 'Kubernetes namespace of the provision')
      .option('--cluster <name>', 'as the worker is configured (GROUNDWORK_CLUSTER_NAME)');

  command('status', 'what the autoscaler does, decided and waits for').action(async (name: string, options: Given) => {
    await withGroundwork(async ({ workshops }) => {
      const report = await workshops.status(at(name, options));
      answer(io, options, report, (colors) => reportLines(report, colors));
    });
  });

  command('history', 'its last 20 decisions').action(async (name: string, options: Given) => {
    await withGroundwork(async ({ workshops }) => {
      const history = await workshops.history(at(name, options));
      answer(io, options, history, (colors) => historyLines(history, colors));
    });
  });

  command('explain', 'every check of the decision in words').action(async (name: string, options: Given) => {
    await withGroundwork(async ({ workshops }) => {
      const explanation = await workshops.explain(at(name, options));
      answer(io, options, explanation, (colors) => explanationLines(explanation, colors));
    });
  });

  command('pause', 'start no new operation; one that runs finishes')
    .requiredOption('--reason <text>', 'why, for those who wonder')
    .addOption(timeOption('--until <time>', 'end of the pause; default: until resumed'))
    .option('--by <name>', 'who asks, for the record')
    .action(async (name: string, options: Given<{ reason: string; until?: string; by?: string }>) => {
      const { reason, until, by } = options;
      await withGroundwork(async ({ workshops }) => {
        const paused = await workshops.pause(at(name, options), { reason, ...defined({ until, by }) });
        const end = paused.until ? `until ${paused.until}` : 'until "groundwork workshop resume"';
        answer(io, options, paused, () => [`Provision ${name} is paused ${end}.`]);
      });
    });

  command('resume', 'end a pause and evaluate at once')
    .option('--by <name>', 'who asks, for the record')
    .action(async (name: string, options: Given<{ by?: string }>) => {
      await withGroundwork(async ({ workshops }) => {
        const { resumed, stillPaused } = await workshops.resume(at(name, options), defined({ by: options.by }));
        answer(io, options, { resumed, ...defined({ stillPaused }) }, () => [
          resumed ? `Provision ${name} is resumed.` : `Provision ${name} was not paused by a message.`,
          ...(stillPaused ? [`Still paused: ${stillPaused}. Remove the annotation.`] : []),
        ]);
      });
    });

  command('evaluate', 'look and decide at once')
    .option('--dry-run', 'only say what would be done')
    .action(async (name: string, options: Given<{ dryRun?: boolean }>) => {
      await withGroundwork(async ({ workshops }) => {
        const decision = await workshops.evaluate(at(name, options), defined({ dryRun: options.dryRun }));
        const dryRun = options.dryRun === true || decision.config?.dryRun === true;
        answer(io, options, decision, (colors) => decisionLines(decision, dryRun, colors));
        if (decision.reason === 'ProvisionGone') context.exit(exitCodes.notFound);
      });
    });

  command('cancel', 'end the running operation; claims made so far are left alone')
    .option('--reason <text>', 'why, for the record')
    .option('--by <name>', 'who asks, for the record')
    .action(async (name: string, options: Given<{ reason?: string; by?: string }>) => {
      const { reason, by } = options;
      await withGroundwork(async ({ workshops }) => {
        const { operationId, droppedApproval } = await workshops.cancel(at(name, options), defined({ reason, by }));
        answer(io, options, defined({ operationId, droppedApproval }), () => [
          ...(operationId
            ? [
                `Operation ${operationId} is cancelled; its count and claims stay.`,
                'While seats are full the next one begins after the cool-down. "groundwork workshop pause" prevents it.',
              ]
            : []),
          ...(droppedApproval ? [`The approval of ${droppedApproval} is not waited for any more.`] : []),
        ]);
      });
    });

  command('approve', 'allow the operation that waits for approval')
    .argument('<operation>', 'its id, as "workshop status" shows it')
    .option('--by <name>', 'who approves, for the record')
    .action(async (name: string, operationId: string, options: Given<{ by?: string }>) => {
      await withGroundwork(async ({ workshops }) => {
        const request = { operationId, ...defined({ by: options.by }) };
        const approved = await workshops.approve(at(name, options), request);
        answer(io, options, approved, () => [`Approved: provision ${name} may grow to ${approved.targetCount}.`]);
      });
    });

  command('override', 'replace the cap for a while; without --max the override is removed')
    .option('--max <count>', 'cap until then', positiveWhole)
    .addOption(timeOption('--until <time>', 'end of the override, at most 30 days ahead; required with --max'))
    .option('--by <name>', 'who asks, for the record')
    .action(async (name: string, options: Given<{ max?: number; until?: string; by?: string }>) => {
      const { max: maxProvisions, until, by } = options;
      await withGroundwork(async ({ workshops }) => {
        const override = await workshops.override(at(name, options), defined({ maxProvisions, until, by }));
        answer(io, options, override, () => [
          override.maxProvisions === undefined
            ? `The configured cap of provision ${name} holds.`
            : `The cap of provision ${name} is ${override.maxProvisions} until ${override.until}.`,
        ]);
      });
    });

  withJson(workshop.command('list').description('autoscalers, newest first'))
    .option('-n, --namespace <namespace>', 'in one Kubernetes namespace')
    .option('--workshop <name>', 'of one workshop')
    .addOption(new Option('--phase <phase>', 'in one phase').choices(autoscalerPhases))
    .addOption(new Option('--state <state>', 'in one state').choices(runStates))
    .option('--limit <count>', 'at most so many', positiveWhole, 50)
    .action(async ({ json, ...filter }: JsonOption & AutoscalerFilter) => {
      await withGroundwork(async ({ workshops }) => {
        const entries = await workshops.list(filter);
        answer(io, json ? { json } : {}, entries, (colors) => listLines(entries, colors));
      });
    });
}

function at(name: string, { namespace, cluster }: Where): ProvisionAddress {
  return { namespace, name, ...(cluster === undefined ? {} : { cluster }) };
}

/** A time, or how far ahead it is: 90m, 2h, 1d. */
function timeOption(flags: string, description: string): Option {
  return new Option(flags, `${description} (ISO 8601, or 30m, 2h, 1d from now)`).argParser((text) => {
    const [, amount, unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
    const ahead = Number(amount) * ({ m: 60_000, h: 3_600_000 }[unit] ?? 86_400_000);
    const time = new Date(amount === undefined ? text : Date.now() + ahead);
    if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It must be a time, or 30m, 2h, 1d.');
    return time.toISOString();
  });
}

/** Without the fields that were not given. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
