import { createIpActivities } from '../../../activities/ip/index.ts';
import { createScopeActivities } from '../../../activities/scope/index.ts';

/** Names of all activities by room, taken from the code: what the tests of faults and docs/reliability.md must speak of. */
export const activitiesOfRooms = {
  scope: Object.keys(createScopeActivities({} as Parameters<typeof createScopeActivities>[0])),
  ip: Object.keys(createIpActivities({} as Parameters<typeof createIpActivities>[0])),
} as const satisfies Record<string, readonly string[]>;
