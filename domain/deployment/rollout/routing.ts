import type { Side } from '../../../contract/deployment/status.ts';

/** What the scope's Ingresses (or its HTTPRoute) say. */
export type Routing =
  /** The Ingresses as they were before this run; those that did not exist are absent. */
  | { form: 'before' }
  /** Both sides with weights; `percent` is the share of green. */
  | { form: 'weighted'; percent: number }
  | { form: 'single'; side: Side };

/** A routing that this rollout makes. */
export type OwnRouting = Exclude<Routing, { form: 'before' }>;

export const before: Routing = { form: 'before' };
export const weighted = (percent: number): OwnRouting => ({ form: 'weighted', percent });
export const greenAlone: OwnRouting = { form: 'single', side: 'green' };

export function sameRouting(a: Routing, b: Routing): boolean {
  if (a.form === 'weighted') return b.form === 'weighted' && a.percent === b.percent;
  if (a.form === 'single') return b.form === 'single' && a.side === b.side;
  return b.form === 'before';
}

/** Percent of the traffic that green gets; `before` is before it existed. */
export function greenShare(routing: Routing): number {
  if (routing.form === 'weighted') return routing.percent;
  return routing.form === 'single' && routing.side === 'green' ? 100 : 0;
}

/** The sides that get traffic, for a rollout whose blue side exists or not. */
export function sidesWithWeight(routing: Routing, hasBlue: boolean): Side[] {
  if (routing.form === 'before') return hasBlue ? ['blue'] : [];
  const share = greenShare(routing);
  return [...(share < 100 ? (['blue'] as const) : []), ...(share > 0 ? (['green'] as const) : [])];
}
