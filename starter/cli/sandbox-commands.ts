import { type Command, InvalidArgumentError } from 'commander';
import { AWS_REGION } from '../../contract/scope/input.ts';
import { type Context, positiveNumber, repeated, withSandbox } from './command.ts';
import { addSandboxWorkshopCommands } from './sandbox-workshop-commands.ts';

/** `groundwork sandbox ...`: everything a laptop needs, run for real. The parts are loaded only when a command runs. */

const operations = () => import('./operations/sandbox.ts');

export function addSandboxCommands(program: Command, context: Context): void {
  const { io, exit } = context;
  const sandbox = program.command('sandbox').description('Temporal, PostgreSQL, Kubernetes and AWS on this machine');

  withSandbox(sandbox.command('up').description('start it and keep it until Ctrl-C; prints addresses and environment'))
    .option('--persist', 'keep databases, objects and runs for the next start')
    .option('--durable', 'PostgreSQL with fsync, for benchmarks')
    .option('--time-scale <factor>', 'real seconds per simulated second of AWS and controllers', positiveNumber, 0.1)
    .option('--region <region>', 'AWS region', awsRegion, 'us-east-1')
    .option('--seed <file>', 'JSON of what AWS holds at the start')
    .option('--use-kubeconfig', 'the cluster of KUBECONFIG instead of one of its own')
    .action(async (options) => exit(await (await operations()).up(io, options)));

  withSandbox(sandbox.command('status').description('addresses and environment of a running sandbox'))
    .option('--env', 'print only the exports: eval "$(groundwork sandbox status --env)"')
    .action(async (options) => exit(await (await operations()).status(io, options)));

  withSandbox(sandbox.command('down').description('stop a sandbox, and what a dead one left')).action(async (options) =>
    exit(await (await operations()).down(io, options)),
  );

  withSandbox(sandbox.command('faults').description('show or change what fails on purpose'))
    .option('--add <rule>', 'a rule as JSON; may be repeated', repeated)
    .option('--remove <id>', 'take a rule away; may be repeated', repeated)
    .option('--clear', 'take all rules and network faults away')
    .option('--network <proxy=json>', 'faults of postgres or temporal, for example postgres={"latencyMs":50}', repeated)
    .option('--cut <proxy>', 'reset the open connections of postgres or temporal', repeated)
    .action(async (options) => exit(await (await operations()).faults(io, options)));

  addSandboxWorkshopCommands(sandbox, context);
}

function awsRegion(text: string): string {
  if (!AWS_REGION.test(text)) throw new InvalidArgumentError('It must be an AWS region, for example us-east-1.');
  return text;
}
