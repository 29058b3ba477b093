import { join } from 'node:path';
import { cacheRoot } from '../binaries/cache.ts';
import { workshopTimingsAt } from '../workshop-timings.ts';

/** Real seconds per simulated second: a balancer that takes two minutes takes 2.4 s. */
export const TIME_SCALE = 0.02;

/**
 * Settings of the worker that go with the scaled clock. Intervals shrink with it; deadlines do not, because a slow machine
 * is not part of the story.
 */
export const scaledWorkerSettings: Readonly<Record<string, string>> = {
  GROUNDWORK_POLL_INTERVAL: String(10 * TIME_SCALE),
  GROUNDWORK_DNS_POLL_INTERVAL: String(5 * TIME_SCALE),
  GROUNDWORK_OBSERVATION_MAX_AGE: String(30 * TIME_SCALE),
  GROUNDWORK_OBSERVATION_LEASE: '5',
  GROUNDWORK_BUSY_PATIENCE: '20',
  GROUNDWORK_READ_PATIENCE: '60',
  GROUNDWORK_AUTOCREATE_TIMEOUT_SECONDS: '60',
  GROUNDWORK_DNS_SYNC_TIMEOUT: '60',
  GROUNDWORK_COMPENSATION_TIMEOUT: '60',
  GROUNDWORK_ELB_READS_PER_SECOND: String(10 / TIME_SCALE),
  GROUNDWORK_ROUTE53_REQUESTS_PER_SECOND: String(5 / TIME_SCALE),
  GROUNDWORK_DEPLOYMENT_POLL_INTERVAL: String(10 * TIME_SCALE),
  GROUNDWORK_DEPLOYMENT_UNHEALTHY_TOLERANCE: String(30 * TIME_SCALE),
  GROUNDWORK_DEPLOYMENT_DRAIN_SECONDS: '2',
  GROUNDWORK_DEPLOYMENT_RECONCILE_TIMEOUT: '60',
  GROUNDWORK_DEPLOYMENT_TARGET_HEALTH_TIMEOUT: '60',
  GROUNDWORK_DEPLOYMENT_REMOVAL_TIMEOUT: '60',
  GROUNDWORK_DEPLOYMENT_COMPENSATION_TIMEOUT: '60',
  GROUNDWORK_DEPLOYMENT_READ_PATIENCE: '60',
  GROUNDWORK_DEPLOYMENT_MAX_WAIT_SECONDS: '60',
  GROUNDWORK_SHUTDOWN_GRACE_SECONDS: '2',
  ...workshopTimingsAt(TIME_SCALE),
};

/** Where the user's own servers are configured; the demo never touches them. */
const FOREIGN = /^(TEMPORAL_|GROUNDWORK_|AWS_|KUBECONFIG$)/;
/** Where programs and folders come from, which is the user's to say. */
const KEPT = /^(TEMPORAL_CLI_PATH|GROUNDWORK_CACHE.*|AWS_CA_BUNDLE)$/;

/**
 * Takes out of the environment what would lead the demo, or a process of it, to servers and accounts of the user's. Answers
 * the names of servers that were set, for telling. `DATABASE_URL` is looked at elsewhere: only a database of our own on that
 * server is used.
 */
export function forgetOwnServers(env: NodeJS.ProcessEnv): string[] {
  const told = ['TEMPORAL_ADDRESS'].filter((name) => env[name]);
  for (const name of Object.keys(env)) if (FOREIGN.test(name) && !KEPT.test(name)) delete env[name];
  // Else temporal.toml of the user's home is read. An absent file counts as no settings, an empty one breaks envconfig 1.24.
  env.TEMPORAL_CONFIG_FILE = join(cacheRoot(env), 'no-temporal.toml');
  env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  return told;
}
