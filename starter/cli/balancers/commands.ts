import { type Command, Option } from 'commander';
import { answer, type Context, type JsonOption, waitingSeconds, withGroundwork, withJson } from '../command.ts';
import { writeJson, writeLines } from '../io.ts';
import { type WatchOptions, watchRun } from '../watch.ts';
import { balancerLines, driftLines, importBlocks, retirementLines } from './print.ts';

/** `groundwork balancers ...` */

export function addBalancerCommands(program: Command, { io }: Context): void {
  const balancers = program.command('balancers').description('the balancers of the ledger: load, export, drift');

  withJson(
    balancers
      .command('list')
      .description('each balancer with its load against the quota that binds, as observed last')
      .option('--all', 'also those that are retired'),
  ).action(async (options: JsonOption & { all?: boolean }) => {
    await withGroundwork(async (groundwork) => {
      const found = await groundwork.balancers.list({ withRetired: options.all === true });
      answer(io, options, found, (colors) => balancerLines(found, colors, Date.now()));
    });
  });

  balancers
    .command('export')
    .description('Terraform import blocks of the autocreated balancers, or every row as JSON')
    .addOption(new Option('--format <format>', 'terraform or json').choices(['terraform', 'json']).default('terraform'))
    .option('--json', 'the same as --format json')
    .action(async ({ format, json }: JsonOption & { format: string }) => {
      await withGroundwork(async (groundwork) => {
        const found = await groundwork.balancers.list({ withRetired: true });
        if (json || format === 'json') writeJson(io, found);
        else writeLines(io.stdout, importBlocks(found));
      });
    });

  withJson(
    balancers
      .command('drift')
      .description('where AWS, DNS and the cluster deviate from the ledger; nothing is repaired'),
  ).action(async (options: JsonOption) => {
    await withGroundwork(async (groundwork) => {
      const report = await groundwork.balancers.drift();
      answer(io, options, report, (colors) => driftLines(report, colors));
    });
  });

  withJson(
    balancers
      .command('retire')
      .description('retire what is due and compare anew, now instead of at the next time of the Schedule')
      .option('--follow', 'show the live checklist')
      .option('--deadline <seconds>', 'stop waiting after that; the run goes on', waitingSeconds),
  ).action(async (options: JsonOption & WatchOptions) => {
    await withGroundwork(async (groundwork) => {
      const run = await groundwork.balancers.startRetirement();
      const statusCommand = `temporal workflow query --type getStatus -w ${run.workflowId}`;
      const result = await watchRun({ io, groundwork, statusCommand }, run, options);
      answer(io, options, result, (colors) => retirementLines(result, colors));
    });
  });
}
