import type { Chapter } from '../chapter.ts';
import { dryRun } from './scope/dry-run.ts';
import { fiveAtOnce } from './scope/five-at-once.ts';
import { noCertificate } from './scope/no-certificate.ts';
import type { Outcome } from './scope/outcome.ts';
import { sameAgain } from './scope/same-again.ts';
import { outcomeTable } from './scope/table.ts';
import { FULL, MOST_RULES, NEARLY_FULL } from './setting.ts';

/** Chapter 1: scopes on balancers that are all but full. */
export function scopeChapter(): Chapter {
  const outcome: Outcome = { ended: [] };
  return {
    title: 'Chapter 1: scopes',
    about:
      'A scope is one environment of an application: a host name and a place on a load balancer (ALB). ' +
      `Of the two public balancers here ${FULL} is at its limit of ${MOST_RULES} rules, and ${NEARLY_FULL} has room for two more.`,
    scenes: [fiveAtOnce(outcome), sameAgain(outcome), dryRun, noCertificate(outcome)],
    table: (stage) => outcomeTable(stage, outcome),
  };
}
