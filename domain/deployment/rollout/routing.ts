import type { Side } from '../../../contract/deployment/status.ts';

/** What the scope's Ingresses (or its HTTPRoute) say. */
export type Routing =
  /** The Ingresses as they were before this run; those that did not exist are absent. */
  | { form: 'before' }
  /** Both sides with weights; `percent` is the share of green. */
  | { form: 'weighted'; percent: number }
  | { form: 'single'; side: Side };

export const sameRouting = (a: Routing | undefined, b: Routing | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);
