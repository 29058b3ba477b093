import type { AdoptFrom } from '../../contract/deployment/input.ts';
import type { Failure } from '../../contract/failures.ts';
import type { Warning } from '../../contract/scope/status.ts';

/** Which balancer a rollout uses: ledger, Ingress and DNS alias must not disagree (specs: deployment, section 6). */

export interface BalancerSources {
  /** The scope's live placement; absent: the ledger does not know the scope. */
  ledger?: { balancer: string; state: 'reserved' | 'bound'; holder?: string };
  /** `load-balancer-name` of the existing Ingress. */
  ingress?: string;
  /** Balancers that the records of the domain lead to, one per zone that has one. */
  aliases: readonly string[];
}

export type BalancerChoice =
  /** `follow`: the others must be changed to it in this run. `adopted`: the ledger gets the placement. */
  | { kind: 'use'; balancer: string; adopted: boolean; follow: AdoptFrom[]; warnings: Warning[] }
  /** Nothing is known: place afresh among existing balancers, without writing DNS. */
  | { kind: 'place'; warnings: Warning[] }
  | { kind: 'refused'; failure: Failure };

export function chooseBalancer(scopeId: string, sources: BalancerSources, adopt?: AdoptFrom): BalancerChoice {
  const { ledger, ingress } = sources;
  const refused = notAtRest(scopeId, ledger);
  if (refused) return { kind: 'refused', failure: refused };
  const [alias] = sources.aliases;
  const values = { ledger: ledger?.balancer, ingress, alias };
  const names = [...new Set([values.ledger, ingress, ...sources.aliases].filter((name) => name !== undefined))];
  const [only] = names;
  if (only === undefined) {
    const message = `the ledger does not know scope ${scopeId}: it is placed afresh, and its DNS is left alone`;
    return { kind: 'place', warnings: [{ code: 'PlacedAfresh', message }] };
  }
  const adopted = ledger === undefined;
  if (names.length === 1)
    return { kind: 'use', balancer: only, adopted, follow: [], warnings: adoption(scopeId, only, sources) };
  const winner = adopt === undefined ? undefined : values[adopt];
  if (adopt === undefined || winner === undefined) return { kind: 'refused', failure: drift(scopeId, sources, adopt) };
  const follow = (['ledger', 'ingress', 'alias'] as const).filter(
    (source) =>
      source !== adopt &&
      (source === 'alias'
        ? sources.aliases.some((name) => name !== winner)
        : values[source] !== undefined && values[source] !== winner),
  );
  const warnings: Warning[] = [
    {
      code: 'BalancerAdopted',
      message: `${winner} wins as asked (adopt ${adopt}): ${follow.join(' and ')} will follow`,
    },
  ];
  if (follow.includes('ingress')) {
    const message = `the live Ingress moves from ${ingress} to ${winner}: requests fail until the new rules are there and DNS leads to them`;
    warnings.push({ code: 'IngressMoves', message });
  }
  return { kind: 'use', balancer: winner, adopted, follow, warnings };
}

function notAtRest(scopeId: string, ledger: BalancerSources['ledger']): Failure | undefined {
  if (!ledger) return undefined;
  if (ledger.holder !== undefined) {
    const message = `scope ${scopeId} is held by ${ledger.holder}: wait until that run has ended, or end it`;
    return { type: 'ScopeBusy', message, details: { holder: ledger.holder } };
  }
  if (ledger.state === 'bound') return undefined;
  const message = `the creation of scope ${scopeId} is not finished (${ledger.state}): finish it, then deploy`;
  return { type: 'ScopeNotReady', message, details: { state: ledger.state } };
}

function adoption(scopeId: string, balancer: string, { ledger, ingress }: BalancerSources): Warning[] {
  if (ledger) return [];
  const source = ingress === undefined ? 'DNS alias' : 'Ingress';
  const message = `the ledger did not know scope ${scopeId}: balancer ${balancer} was adopted from its ${source}`;
  return [{ code: 'ScopeAdopted', message }];
}

function drift(scopeId: string, { ledger, ingress, aliases }: BalancerSources, adopt?: AdoptFrom): Failure {
  const alias = [...new Set(aliases)].join(' and ');
  const values = { ledger: ledger?.balancer ?? 'none', ingress: ingress ?? 'none', alias: alias || 'none' };
  const words = `ledger ${values.ledger}, Ingress ${values.ingress}, DNS alias ${values.alias}`;
  const advice = adopt === undefined ? 'say which one wins with adopt' : `adopt ${adopt} names none`;
  return {
    type: 'BalancerDrift',
    message: `the balancers of scope ${scopeId} disagree: ${words}. Nothing was changed; ${advice}`,
    details: values,
  };
}
