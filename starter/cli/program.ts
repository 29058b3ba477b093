import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addBalancerCommands } from './balancers/commands.ts';
import { type Context, withJson } from './command.ts';
import { addDeploymentCommands } from './deployment/commands.ts';
import { exitCodes, exitCodeTable } from './exit-codes.ts';
import { reportFailure, UsageError } from './failing.ts';
import { colorsFor, type Io, writeJson } from './io.ts';
import { addIpCommands } from './ip/commands.ts';
import { addSandboxCommands } from './sandbox-commands.ts';
import { addScopeCommands } from './scope/commands.ts';
import { addWorkshopCommands } from './workshop/commands.ts';

/** The `groundwork` command. */

/** Runs one command line (without program names) and answers its exit code. Nothing is thrown. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.done;
  const exit = (value: number) => {
    code = value;
  };
  try {
    await createProgram({ io, exit }).parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    const json = argv.includes('--json');
    if (!(error instanceof CommanderError)) return reportFailure(io, error, json);
    // Help and version are no errors, and what commander found it has said on stderr.
    if (error.exitCode === 0) return exitCodes.done;
    if (json) writeJson(io, { error: { type: 'Usage', message: usageWords(error.message) } });
    return exitCodes.usage;
  }
}

/** The words of commander, in one line. */
function usageWords(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}

export function createProgram(context: Context): Command {
  const { io } = context;
  const program = new Command('groundwork')
    .description('Durable load balancer scopes for an application platform, on Temporal')
    .version(version(), '-V, --version')
    .helpCommand(false)
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => {
        write(`${colorsFor(io.stderr, io.env).red('groundwork:')} ${usageWords(text)}\n`);
      },
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => colorsFor(io.stdout, io.env).isColorSupported,
      getErrHasColors: () => colorsFor(io.stderr, io.env).isColorSupported,
    })
    .exitOverride();

  withJson(
    program
      .command('setup')
      .description('bring database, search attributes and Schedules up to date; harmless to repeat')
      .option('--skip-database', 'leave the database alone')
      .option('--skip-temporal', 'leave Temporal alone'),
  ).action(async (options) => context.exit(await (await import('./operations/setup.ts')).setup(io, options)));

  withJson(
    program.command('doctor').description('check every connection and permission, and say how to fix what is wrong'),
  ).action(async (options) => context.exit(await (await import('./operations/doctor.ts')).doctor(io, options)));

  addScopeCommands(program, context);
  addBalancerCommands(program, context);
  addIpCommands(program, context);
  addWorkshopCommands(program, context);
  addDeploymentCommands(program, context);
  addSandboxCommands(program, context);

  withJson(program.command('demo').description('boot a sandbox and play the main jobs on it'))
    .argument('[chapter...]', 'play only these; default all')
    .option('--keep', 'leave everything running at the end until Ctrl-C')
    .action(async (names, options) => context.exit(await (await import('./operations/demo.ts')).demo(names, options)));

  program
    .command('help')
    .description('help for a command, or for "exit-codes"')
    .argument('[topic...]')
    .action((topic: string[]) => {
      if (topic[0] === 'exit-codes') io.stdout.write(exitCodeTable());
      else find(program, topic).outputHelp();
    });
  program.addHelpText('after', '\nExit codes: groundwork help exit-codes');
  return program;
}

function find(program: Command, topic: readonly string[]): Command {
  let command = program;
  for (const name of topic) {
    const next = command.commands.find((candidate) => candidate.name() === name);
    if (!next) throw new UsageError(`there is no command "${topic.join(' ')}"; see "groundwork help"`);
    command = next;
  }
  return command;
}

/** Of the package, wherever this file runs from: the sources or dist/. */
function version(): string {
  for (const up of ['../../', '../../../']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8'));
      return String(version);
    } catch {
      // One folder further up.
    }
  }
  return 'unknown';
}
