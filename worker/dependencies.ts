import { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { AwsClients, type AwsOptions } from '../activities/aws/clients.ts';
import { createDeploymentActivities, type DeploymentActivities } from '../activities/deployment/index.ts';
import { KubernetesGateway } from '../activities/kubernetes/gateway.ts';
import type { Metrics } from '../activities/metrics.ts';
import { Database } from '../activities/postgres/database.ts';
import { createScopeActivities, type ScopeActivities } from '../activities/scope/index.ts';
import { scopeSettings, type Values } from './configuration.ts';
import { deploymentSettings } from './deployment-settings.ts';

export interface Dependencies {
  database: Database;
  aws: AwsClients;
  kubernetes: KubernetesGateway;
  scopes: ScopeActivities;
  deployments: DeploymentActivities;
  close(): Promise<void>;
}

/** What a process may bring itself; without them the tools' own conventions decide. */
export interface DependencyOptions {
  kubeConfig?: KubeConfig;
  aws?: Pick<AwsOptions, 'endpoint' | 'credentials'>;
  onDatabaseError?: (error: Error) => void;
  metrics?: Metrics;
}

/** Makes the clients of one process and the activities on top of them. Nothing is called yet. */
export function createDependencies(values: Values, temporal: Client, options: DependencyOptions = {}): Dependencies {
  const database = new Database({
    url: values.databaseUrl ?? '',
    poolSize: values.databasePoolSize,
    ...(options.onDatabaseError ? { onIdleError: options.onDatabaseError } : {}),
  });
  const aws = new AwsClients({
    ...options.aws,
    metrics: options.metrics,
    accountId: values.accountId,
    elbReadsPerSecond: values.elbReadsPerSecond,
    route53RequestsPerSecond: values.route53RequestsPerSecond,
    requestTimeoutMs: values.awsRequestTimeoutSeconds * 1000,
  });
  const kubernetes = new KubernetesGateway(
    options.kubeConfig ?? defaultKubeConfig(),
    values.kubernetesRequestTimeoutSeconds * 1000,
  );
  return {
    database,
    aws,
    kubernetes,
    scopes: createScopeActivities({
      settings: scopeSettings(values),
      database,
      aws,
      kubernetes,
      temporal,
      metrics: options.metrics,
    }),
    deployments: createDeploymentActivities({
      settings: deploymentSettings(values, scopeSettings(values), values.preset),
      database,
      aws,
      kubernetes,
      temporal,
      metrics: options.metrics,
    }),
    close: async () => {
      aws.close();
      await database.close();
    },
  };
}

/** KUBECONFIG, else ~/.kube/config, else the service account of the Pod. */
export function defaultKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return kubeConfig;
}
