import type { HostRouting, InstanceCounts, Side } from '../../contract/deployment/status.ts';
import type { Failure } from '../../contract/failures.ts';
import type { Warning } from '../../contract/scope/status.ts';
import type { DeploymentRequest } from '../../domain/deployment/request.ts';
import type { RolloutPlan, RolloutState } from '../../domain/deployment/rollout/types.ts';
import type { RouteShape } from '../../domain/deployment/shape.ts';

/** What every activity of one rollout is told. Plain JSON. */
export interface Course {
  request: DeploymentRequest;
  /** `<workflow id>@<first run id>`. */
  run: string;
  /** Absent with external DNS: there the request names the gateway. */
  balancer?: { name: string; arn: string };
  shape: RouteShape;
}

export interface Beginning {
  course: Course;
  plan: RolloutPlan;
  state: RolloutState;
  warnings: Warning[];
}

/** What was seen last, for status and failures. */
export interface Seen {
  actual?: HostRouting[];
  healthyTargets?: Partial<Record<Side, number>>;
  instances?: Partial<Record<Side, InstanceCounts>>;
}

/** How an activity that loops ended. `illBefore`: a side that may be as ill as before was so. `applied`: whether a routing was, or may have been, handed to Kubernetes. */
export type StepAnswer =
  | { kind: 'done'; seen: Seen; warnings: Warning[]; illBefore?: string }
  | { kind: 'failed'; failure: Failure; seen: Seen; applied?: boolean; warnings: Warning[] }
  | { kind: 'interrupted'; seen: Seen; applied?: boolean; warnings?: Warning[] };

/** What a watch saw that the rollout must react to. */
export type WatchAnswer =
  | { kind: 'ill'; side: Side; failure: Failure; seen: Seen }
  | { kind: 'changed'; at: number; words: string; seen: Seen };
