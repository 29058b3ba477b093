import { shellWord } from '../../starter/cli/shell-word.ts';
import type { Checks } from './checks.ts';
import type { Narrator } from './narrator.ts';
import { TIME_SCALE } from './settings.ts';
import type { BareStage } from './stage.ts';

/** What the demo says before and after its chapters. */

/** Tells what is started and where it comes from, while it happens. */
export async function tellStart<T>(
  narrator: Narrator,
  start: (report: (line: string) => void) => Promise<T>,
): Promise<T> {
  narrator.note(
    'Everything runs on this machine: real Temporal, PostgreSQL and Kubernetes API servers, a simulated AWS, and a worker. ' +
      `Simulated time is scaled: it runs ${Math.round(1 / TIME_SCALE)} times as fast, so a balancer that takes two minutes takes ${(120 * TIME_SCALE).toFixed(1)} s. ` +
      'Lines with a time are what the runs tell; lines with "ok" were looked up in AWS, DNS, Kubernetes or the ledger.',
  );
  narrator.heading('Starting');
  const began = performance.now();
  return start((line) => {
    const [, part = '', rest = line] = /^([^:]{3,40}): (.*)$/s.exec(line) ?? [];
    const words = rest.replace(/^ready after [\d.]+ s$/, 'ready');
    narrator.event((performance.now() - began) / 1000, part.padEnd(21), words);
  });
}

/** The verdict, how long it took, and where to look further. `firstCreated`: seconds from the command to the first scope. */
export function tellEnd(narrator: Narrator, checks: Checks, stage: BareStage, firstCreated: number | undefined): void {
  const { colors } = narrator;
  const { length } = checks.claims;
  const failed = checks.claims.filter(({ ok }) => !ok).length;
  const verdict =
    failed === 0
      ? colors.green(`All ${length} claims hold.`)
      : colors.red(`${failed} of ${length} claims do not hold: look for FAILED above.`);
  const time =
    firstCreated === undefined ? '' : ` The first scope was there ${firstCreated.toFixed(1)} s after the start.`;
  narrator.lines(['', `${verdict}${time}`, `Temporal UI: ${stage.sandbox.addresses.temporalUi ?? 'none'}`]);
}

/** Prints how to reach everything, and waits for Ctrl-C, which counts as the ordinary end. */
export async function keepUntilSignal(narrator: Narrator, { sandbox, worker }: BareStage): Promise<void> {
  narrator.heading('Everything stays up until Ctrl-C');
  narrator.say(
    'Paste this into another shell of this checkout, for temporal, kubectl, aws, psql "$DATABASE_URL", or npm run groundwork:',
  );
  narrator.lines(Object.entries(sandbox.environment()).map(([name, value]) => `  export ${name}=${shellWord(value)}`));
  narrator.lines([
    '',
    `  Temporal UI               ${sandbox.addresses.temporalUi ?? 'none'}`,
    `  Kubernetes administrator  KUBECONFIG=${sandbox.addresses.kubeconfig.admin}`,
    `  Log of the worker         ${worker.logFile}`,
  ]);
  void worker.ended.then((words) => narrator.lines(['', words]));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
  const first = Date.now();
  for (const signal of signals) {
    process.on(signal, () => {
      if (Date.now() - first > SAME_KEYSTROKE_MS) process.exit(130); // the watchdogs do the rest
    });
  }
}

/** npm passes the terminal's Ctrl-C on a second time. */
const SAME_KEYSTROKE_MS = 500;
