import type { DiagnosisCheck, DiagnosisCheckName } from '../../../contract/deployment/status.ts';
import type { Reading, ReadingName, Snapshot } from './snapshot.ts';

/** One question to a snapshot. It is asked only when everything that it needs was read. */

/** What was read of the parts that a check needs. */
export type Facts<K extends ReadingName> = { [P in K]: Snapshot[P] extends Reading<infer T> ? T : never };

export interface Finding {
  status: 'success' | 'warning' | 'failed' | 'skipped';
  summary: string;
  affected?: string[];
  details?: Record<string, unknown>;
  actions?: string[];
}

export interface Check {
  name: DiagnosisCheckName;
  category: DiagnosisCheck['category'];
  run(snapshot: Snapshot): Finding;
}

const severities = { failed: 'critical', warning: 'warning', success: 'info', skipped: 'info' } as const;

export function check<K extends ReadingName>(
  category: DiagnosisCheck['category'],
  name: DiagnosisCheckName,
  needs: readonly K[],
  judge: (facts: Facts<K>) => Finding,
): Check {
  return {
    name,
    category,
    run: (snapshot) => {
      const missing = needs.flatMap((need) => {
        const reading: Reading<unknown> = snapshot[need];
        return reading.ok ? [] : [{ need, ...reading }];
      });
      const [first] = missing;
      if (!first) {
        const facts = Object.fromEntries(needs.map((need) => [need, read(snapshot[need])]));
        return judge(facts as Facts<K>);
      }
      const permissions = missing.flatMap(({ permission }) => (permission === undefined ? [] : [permission]));
      const why =
        permissions.length > 0 ? `permission missing: ${permissions.join(', ')}` : `${first.need}: ${first.error}`;
      return {
        status: 'skipped',
        summary: `not checked, ${why}`,
        details: { unread: missing.map(({ need, error }) => ({ what: need, error })) },
        ...(permissions.length > 0 ? { actions: [`grant ${permissions.join(', ')} to the worker`] } : {}),
      };
    },
  };
}

function read(reading: Reading<unknown>): unknown {
  return reading.ok ? reading.value : undefined;
}

export function checkResult({ name, category }: Check, finding: Finding): DiagnosisCheck {
  return {
    name,
    category,
    status: finding.status,
    evidence: {
      summary: finding.summary,
      severity: severities[finding.status],
      affected: finding.affected ?? [],
      details: finding.details ?? {},
      suggested_actions: finding.actions ?? [],
    },
  };
}

/** Good when nothing is affected; `words` for each affected object. */
export function verdict(
  bad: readonly { object: string; words: string }[],
  good: string,
  status: 'warning' | 'failed',
  ...actions: string[]
): Finding {
  if (bad.length === 0) return { status: 'success', summary: good };
  const affected = [...new Set(bad.map(({ object }) => object))];
  return {
    status,
    summary: bad.map(({ object, words }) => `${object} ${words}`).join('; '),
    affected,
    details: { findings: bad },
    actions,
  };
}

export const nothingToCheck = (what: string): Finding => ({
  status: 'skipped',
  summary: `there is no ${what} to check`,
});

export function nameOf(object: { metadata?: { name?: string } }): string {
  return object.metadata?.name ?? '(unnamed)';
}
