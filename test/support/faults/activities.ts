import { createDeploymentActivities } from '../../../activities/deployment/index.ts';
import { createIpActivities } from '../../../activities/ip/index.ts';
import { createScopeActivities } from '../../../activities/scope/index.ts';
import { createWorkshopActivities } from '../../../activities/workshop/index.ts';

/** Names of all activities by room, taken from the code: what the tests of faults and docs/reliability.md must speak of. */
export const activitiesOfRooms = {
  scope: Object.keys(createScopeActivities({} as Parameters<typeof createScopeActivities>[0])),
  deployment: Object.keys(createDeploymentActivities({} as Parameters<typeof createDeploymentActivities>[0])),
  workshop: Object.keys(createWorkshopActivities({} as Parameters<typeof createWorkshopActivities>[0])),
  ip: Object.keys(createIpActivities({} as Parameters<typeof createIpActivities>[0])),
} as const satisfies Record<string, readonly string[]>;
