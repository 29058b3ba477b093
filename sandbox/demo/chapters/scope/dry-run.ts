import { columns } from '../../../../starter/cli/io.ts';
import type { Scene } from '../../chapter.ts';
import { claimUnchanged, loadOf } from './outcome.ts';
import { planned } from './requests.ts';

export const dryRun: Scene = {
  title: 'A dry run explains its choice',
  about:
    'It reads and decides as a creation would, and makes nothing. Its load figure is what AWS shows plus what is placed and not in a rule yet.',
  play: async (stage) => {
    const { groundwork, checks, narrator, reality } = stage;
    const before = await reality.snapshot();
    const plan = await groundwork.scopes.plan(planned);
    narrator.note(`${planned.scopeId} would be ${plan.domain}. Why:`, 10);
    narrator.note(`| ${plan.reason}`, 10);
    narrator.lines(
      columns(
        plan.candidates.map(({ name, rules, maxRules, hasRoom, reason }) => [
          `${' '.repeat(10)}${name}`,
          `${rules}/${maxRules} rules`,
          hasRoom ? (name === plan.balancer.name ? 'chosen' : 'has room') : (reason ?? 'no room'),
        ]),
      ),
    );
    narrator.lines(['']);
    for (const { name, rules: told } of plan.candidates) {
      const { rules, placed } = await loadOf(stage, name);
      await checks.claim(`${name}: ${rules} rules in AWS + ${placed} placed make the ${told} it was judged by`, () =>
        rules + placed === told ? undefined : String(rules + placed),
      );
    }
    await claimUnchanged(stage, 'It changed nothing in AWS, DNS, cluster and ledger', before);
  },
};
