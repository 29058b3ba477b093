import type { BalancerLoad } from '../capacity.ts';
import type { FoundEvent } from '../events.ts';
import type { FoundIngress } from '../expected.ts';
import type { FoundContainer } from '../explain.ts';
import type { ObservedRule } from '../gate.ts';
import type { FoundRoute } from '../http-route.ts';
import type { FoundDeployment } from '../instances.ts';

/** Everything a diagnosis looks at, read once. No log line, no Secret and no value of a variable is in it. */

/** What was read, or why it could not be: `permission` names the one that is missing. */
export type Reading<T> = { ok: true; value: T } | { ok: false; error: string; permission?: string };

export interface SeenMeta {
  name?: string;
  uid?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  generation?: number;
}

export interface SeenPod {
  metadata?: SeenMeta;
  spec?: {
    containers?: {
      name: string;
      image?: string;
      ports?: { containerPort?: number }[];
      resources?: { limits?: { memory?: string }; requests?: { memory?: string } };
      readinessProbe?: object;
      livenessProbe?: object;
    }[];
  };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: (FoundContainer & { ready?: boolean; restartCount?: number })[];
    initContainerStatuses?: FoundContainer[];
  };
}

export interface SeenService {
  metadata?: SeenMeta;
  spec?: {
    type?: string;
    selector?: Record<string, string>;
    ports?: { port: number; targetPort?: number | string }[];
  };
}

export interface SeenEndpoints {
  metadata?: SeenMeta;
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[];
}

export type SeenIngress = FoundIngress & {
  metadata?: SeenMeta;
  spec?: { ingressClassName?: string };
  status?: { loadBalancer?: { ingress?: { hostname?: string }[] } };
};

export interface SeenBalancerState {
  name: string;
  /** `absent`: a complete list without it. */
  state: string;
  load: BalancerLoad;
  thresholds: BalancerLoad;
  rules: ObservedRule[];
  /** Free addresses of its subnets, as far as they were read. */
  subnets?: { id: string; freeAddresses: number }[];
}

/** Lines that look like errors in the recent log of one container: counts only. */
export interface LogCount {
  pod: string;
  container: string;
  lines: number;
  errors: number;
}

export interface Snapshot {
  scopeId: string;
  /** Absent: every deployment of the scope. */
  deploymentId?: string;
  /** The scope is led by an HTTPRoute: there are no Ingresses and no balancer to look at. */
  byGateway?: true;
  pods: Reading<SeenPod[]>;
  deployments: Reading<FoundDeployment[]>;
  services: Reading<SeenService[]>;
  endpoints: Reading<SeenEndpoints[]>;
  ingresses: Reading<SeenIngress[]>;
  routes: Reading<FoundRoute[]>;
  ingressClasses: Reading<{ metadata?: SeenMeta; spec?: { controller?: string } }[]>;
  /** Of all objects of the scope, oldest first. */
  events: Reading<FoundEvent[]>;
  balancer: Reading<SeenBalancerState>;
  logs: Reading<LogCount[]>;
}

export type ReadingName = Exclude<keyof Snapshot, 'scopeId' | 'deploymentId' | 'byGateway'>;
