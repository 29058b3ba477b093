import { type Command, InvalidArgumentError } from 'commander';
import { type Context, positiveNumber, positiveWhole, withSandbox } from './command.ts';

/** `groundwork sandbox workshop` and `groundwork sandbox crowd`: something for the autoscaler to do. */

const operations = () => import('./operations/sandbox-workshop.ts');

export function addSandboxWorkshopCommands(sandbox: Command, { io, exit }: Context): void {
  withSandbox(sandbox.command('workshop').description('make a workshop with one provision, or change its knobs'))
    .argument('<namespace/workshop>', 'where, and its name; the provision has the same', place)
    .option('--count <n>', 'environments; 10 for a new one', positiveWhole)
    .option('--autoscaling <json>', 'spec.autoScaling, for example {"enabled":true}', json)
    .option('--completion <seconds>', 'simulated seconds that an environment takes: 600 or 600-1200', range)
    .option('--fail-rate <share>', 'share of environments that fail, 0 to 1', share)
    .option('--hang-rate <share>', 'share of environments that never complete, 0 to 1', share)
    .option('--seats-per-claim <n>', 'users of an environment; more than 1 makes it multi-user', positiveWhole)
    .option('--seed <n>', 'the same seed tells the same story', positiveWhole)
    .action(async (where, options) => exit(await (await operations()).workshop(io, where, options)));

  withSandbox(sandbox.command('crowd').description('let people log in to a workshop, and count who is rejected'))
    .argument('<namespace/workshop>', 'where', place)
    .option('--people <n>', 'so many at once', positiveWhole)
    .option('--every <seconds>', 'one every so many simulated seconds', positiveNumber)
    .option('--for <seconds>', 'for so long, with --every', positiveNumber, 300)
    .option('--random', 'at random moments with that mean, with --every')
    .option('--stay <seconds>', 'how long a person stays: 600 or 600-1200; absent: to the end', range)
    .option('--seed <n>', 'the same seed tells the same story', positiveWhole, 1)
    .action(async (where, options) => exit(await (await operations()).crowd(io, where, options)));
}

export interface Place {
  namespace: string;
  name: string;
}

function place(text: string): Place {
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw new InvalidArgumentError('Write it as NAMESPACE/WORKSHOP, for example user-1/lab.');
  return { namespace, name };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It must be JSON.');
  }
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be 0 to 1.');
  return value;
}

function range(text: string): [number, number] {
  const [, least, most] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  const found: [number, number] = [Number(least), Number(most ?? least)];
  if (least === undefined || found[0] > found[1])
    throw new InvalidArgumentError('It must be seconds, or two numbers such as 600-1200.');
  return found;
}
