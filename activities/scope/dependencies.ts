import type { Client } from '@temporalio/client';
import type { ScopeSettings } from '../../domain/scope/settings.ts';
import type { AwsClients } from '../aws/clients.ts';
import type { KubernetesGateway } from '../kubernetes/gateway.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';

/** What the activities of the scope room work with; the worker makes it once. */
export interface ScopeDependencies {
  settings: ScopeSettings;
  database: Database;
  aws: AwsClients;
  kubernetes: KubernetesGateway;
  /** Asks Temporal whether the run that holds a scope is still open. */
  temporal: Client;
  metrics?: Metrics | undefined;
}

/** A pool of balancers: the candidates of one account, region and scheme. */
export interface PoolKey {
  account: string;
  region: string;
  scheme: 'internet-facing' | 'internal';
}
