import { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { AwsClients } from '../activities/aws/clients.ts';
import { KubernetesGateway } from '../activities/kubernetes/gateway.ts';
import { Database } from '../activities/postgres/database.ts';
import { createScopeActivities, type ScopeActivities } from '../activities/scope/index.ts';
import { scopeSettings, type Values } from './configuration.ts';

export interface Dependencies {
  database: Database;
  aws: AwsClients;
  kubernetes: KubernetesGateway;
  scopes: ScopeActivities;
  close(): Promise<void>;
}

/** Makes the clients of one process and the activities on top of them. Nothing is called yet. */
export function createDependencies(
  values: Values,
  temporal: Client,
  options: { kubeConfig?: KubeConfig; onDatabaseError?: (error: Error) => void } = {},
): Dependencies {
  const database = new Database({
    url: values.databaseUrl ?? '',
    poolSize: values.databasePoolSize,
    ...(options.onDatabaseError ? { onIdleError: options.onDatabaseError } : {}),
  });
  const aws = new AwsClients({
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
    scopes: createScopeActivities({ settings: scopeSettings(values), database, aws, kubernetes, temporal }),
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
