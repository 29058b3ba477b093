import type { Finding } from '../../../worker/findings.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Colors, colorsFor, type Io, writeJson, writeLines } from '../io.ts';

/** `groundwork doctor`: every finding as it is made; the exit code is that of the worst. */

/** From worst to least: what cannot even be looked at comes before what was refused. */
const WORST_FIRST = ['usage', 'unavailable', 'forbidden', 'conflict', 'notFound', 'unexpected'] as const;

export async function doctor(io: Io, options: { json?: boolean }): Promise<number> {
  const { examine } = await import('../../../worker/doctor.ts');
  const colors = colorsFor(io.stdout, io.env);
  const findings: Finding[] = [];
  for await (const finding of examine(io.env)) {
    findings.push(finding);
    if (!options.json) writeLines(io.stdout, findingLines(finding, colors));
  }
  const failures = findings.filter(({ state }) => state === 'failed');
  const warnings = findings.filter(({ state }) => state === 'warning');
  if (options.json) writeJson(io, { healthy: failures.length === 0, findings });
  else writeLines(io.stdout, ['', summary(failures.length, warnings.length)]);
  return exitCodeOfFindings(findings);
}

/** Exit code of the worst finding; warnings do not count. */
export function exitCodeOfFindings(findings: readonly Finding[]): number {
  const troubles = new Set(findings.map(({ trouble }) => trouble));
  return exitCodes[WORST_FIRST.find((trouble) => troubles.has(trouble)) ?? 'done'];
}

function findingLines({ state, subject, message, remedy }: Finding, colors: Colors): string[] {
  const mark = {
    ok: colors.green('ok     '),
    warning: colors.yellow('warning'),
    failed: colors.red('FAILED '),
    skipped: colors.dim('skipped'),
  }[state];
  return [`${mark}  ${subject}: ${message}`, ...(remedy ? [`         ${remedy}`] : [])];
}

function summary(failures: number, warnings: number): string {
  if (failures === 0) return warnings === 0 ? 'Everything is in order.' : `In order, with ${warnings} to look at.`;
  return `${failures} ${failures === 1 ? 'check' : 'checks'} failed.`;
}
