import type { Client } from '@temporalio/client';
import type { WorkshopTimings } from '../../domain/workshop/settings.ts';
import type { CustomResources } from '../kubernetes/custom-resources.ts';
import type { KubernetesGateway } from '../kubernetes/gateway.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';

/** What the activities of the workshop room work with; the worker makes it once. */
export interface WorkshopDependencies {
  /** Name of the cluster that the worker reads and writes. */
  cluster: string;
  timings: WorkshopTimings;
  /** Task queue of the room: where autoscalers are started. */
  taskQueue: string;
  database: Database;
  resources: CustomResources;
  kubernetes: KubernetesGateway;
  /** Wakes autoscalers. */
  temporal: Client;
  metrics?: Metrics | undefined;
}
