import type { DiagnosisResult } from '../../../contract/deployment/status.ts';
import { checkResult, type Finding } from './check.ts';
import { networkingChecks } from './networking.ts';
import { podChecks } from './pods.ts';
import { routeChecks } from './routes.ts';
import { serviceChecks } from './services.ts';
import type { Snapshot } from './snapshot.ts';

/** Judges a snapshot by all checks, whatever fails (specs: deployment, section 13). */
export function diagnose(snapshot: Snapshot): DiagnosisResult {
  const networking = snapshot.byGateway ? routeChecks : networkingChecks;
  const checks = [...serviceChecks, ...networking, ...podChecks].map((one) => checkResult(one, one.run(snapshot)));
  const count = (status: Finding['status']) => checks.filter((one) => one.status === status).length;
  return {
    scopeId: snapshot.scopeId,
    checks,
    summary: {
      success: count('success'),
      warning: count('warning'),
      failed: count('failed'),
      skipped: count('skipped'),
    },
  };
}
