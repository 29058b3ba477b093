import type { ActionHandler } from './context.ts';
import { page } from './paging.ts';

export const describeAccountLimits: ActionHandler = ({ limits }, params) => {
  const sorted = Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1));
  const { items, marker } = page(params, 'limits', sorted, ([name]) => name);
  return { Limits: items.map(([Name, Max]) => ({ Name, Max: String(Max) })), NextMarker: marker };
};
