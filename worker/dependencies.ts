import { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { AwsClients, type AwsOptions } from '../activities/aws/clients.ts';
import { createDeploymentActivities, type DeploymentActivities } from '../activities/deployment/index.ts';
import type { IpDependencies } from '../activities/ip/dependencies.ts';
import { createIpActivities, type IpActivities } from '../activities/ip/index.ts';
import type { IpMetrics } from '../activities/ip/metrics.ts';
import { samplePools } from '../activities/ip/sample.ts';
import { CustomResources } from '../activities/kubernetes/custom-resources.ts';
import { KubernetesGateway } from '../activities/kubernetes/gateway.ts';
import type { Metrics } from '../activities/metrics.ts';
import { Database } from '../activities/postgres/database.ts';
import { createScopeActivities, type ScopeActivities } from '../activities/scope/index.ts';
import { createWorkshopActivities, type WorkshopActivities } from '../activities/workshop/index.ts';
import { taskQueueName } from '../contract/names.ts';
import { ipSettings, scopeSettings, type Values, workshopTimings } from './configuration.ts';
import { deploymentSettings } from './deployment-settings.ts';

export interface Dependencies {
  database: Database;
  aws: AwsClients;
  kubeConfig: KubeConfig;
  kubernetes: KubernetesGateway;
  resources: CustomResources;
  scopes: ScopeActivities;
  ip: IpActivities;
  workshops: WorkshopActivities;
  deployments: DeploymentActivities;
  /** Samples pools for the metrics. */
  sampleIp(): Promise<void>;
  close(): Promise<void>;
}

/** What a process may bring itself; without them the tools' own conventions decide. */
export interface DependencyOptions {
  kubeConfig?: KubeConfig;
  aws?: Pick<AwsOptions, 'endpoint' | 'credentials'>;
  onDatabaseError?: (error: Error) => void;
  metrics?: Metrics;
  ipMetrics?: IpMetrics;
}

/** Imports, surveys and sweeps at once; further ones queue for a connection, which their time-outs allow for. */
const IP_LONG_CALLS = 4;

/** Connections to PostgreSQL that a worker of these settings opens at most. */
export function mostConnections(values: Values): number {
  const ip = values.queues.includes('ip') ? values.ipDatabasePoolSize + IP_LONG_CALLS : 0;
  return ip + (values.queues.some((room) => room !== 'ip') ? values.databasePoolSize : 0);
}

/** Makes the clients of one process and the activities on top of them. Nothing is called yet. */
export function createDependencies(values: Values, temporal: Client, options: DependencyOptions = {}): Dependencies {
  const databaseOptions = {
    url: values.databaseUrl ?? '',
    ...(options.onDatabaseError ? { onIdleError: options.onDatabaseError } : {}),
  };
  const database = new Database({ ...databaseOptions, poolSize: values.databasePoolSize });
  // Connections are opened as they are needed: a process that does not serve the room has none of these.
  const ipDatabase = new Database({ ...databaseOptions, poolSize: values.ipDatabasePoolSize });
  const ipPatientDatabase = new Database({ ...databaseOptions, poolSize: IP_LONG_CALLS, statementTimeoutMs: 60_000 });
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
  const ipDependencies: IpDependencies = {
    settings: ipSettings(values),
    database: ipDatabase,
    patientDatabase: ipPatientDatabase,
    metrics: options.ipMetrics,
  };
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
    }),
    deployments: createDeploymentActivities({
      settings: deploymentSettings(values, scopeSettings(values), values.preset),
      database,
      aws,
      kubernetes,
      temporal,
      metrics: options.metrics,
    }),
    ip: createIpActivities(ipDependencies),
    sampleIp: () => samplePools(ipDependencies),
    close: async () => {
      aws.close();
      await Promise.all([database, ipDatabase, ipPatientDatabase].map((pool) => pool.close()));
    },
  };
}

/** KUBECONFIG, else ~/.kube/config, else the service account of the Pod. */
export function defaultKubeConfig(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  return kubeConfig;
}
