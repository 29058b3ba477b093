import type { Io } from '../../starter/cli/io.ts';
import { runCli } from '../../starter/cli/program.ts';

/** Runs a command line in this process, with nothing of the real process but its environment. */
export async function cli(argv: readonly string[], options: { stdin?: string; terminal?: boolean } = {}) {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: options.terminal ?? false,
    columns: 100,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin: (async function* () {
      yield options.stdin ?? '';
    })(),
    env: {},
    onInterrupt: () => () => undefined,
  };
  const code = await runCli(argv, io);
  return { code, ...written };
}
