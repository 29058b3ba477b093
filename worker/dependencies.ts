import { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { AwsClients, type AwsOptions } from '../activities/aws/clients.ts';
import { CustomResources } from '../activities/kubernetes/custom-resources.ts';
import { KubernetesGateway } from '../activities/kubernetes/gateway.ts';
import type { Metrics } from '../activities/metrics.ts';
import { Database } from '../activities/postgres/database.ts';
import { createScopeActivities, type ScopeActivities } from '../activities/scope/index.ts';
import { createWorkshopActivities, type WorkshopActivities } from '../activities/workshop/index.ts';
import { taskQueueName } from '../contract/names.ts';
import { scopeSettings, type Values, workshopTimings } from './configuration.ts';

export interface Dependencies {
  database: Database;
  aws: AwsClients;
  kubeConfig: KubeConfig;
  kubernetes: KubernetesGateway;
  resources: CustomResources;
  scopes: ScopeActivities;
  workshops: WorkshopActivities;
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
  const kubeConfig = options.kubeConfig ?? defaultKubeConfig();
  const kubernetesTimeoutMs = values.kubernetesRequestTimeoutSeconds * 1000;
  const kubernetes = new KubernetesGateway(kubeConfig, kubernetesTimeoutMs);
  const resources = new CustomResources(kubeConfig, kubernetesTimeoutMs);
  return {
    database,
    aws,
    kubeConfig,
    kubernetes,
    resources,
    scopes: createScopeActivities({
      settings: scopeSettings(values),
      database,
      aws,
      kubernetes,
      temporal,
      metrics: options.metrics,
    }),
    workshops: createWorkshopActivities({
      cluster: values.clusterName,
      timings: workshopTimings(values),
      taskQueue: taskQueueName(values.taskQueuePrefix, 'workshops'),
      database,
      resources,
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
