import {
  type Action,
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { Route53Client } from '@aws-sdk/client-route-53';
import { STSClient } from '@aws-sdk/client-sts';
import { onTestFinished } from 'vitest';
import { type AwsEndpoint, type AwsEndpointOptions, startAwsEndpoint } from '../../../sandbox/aws/server.ts';
import type { SimulatedClock } from '../../../sandbox/clock.ts';

export interface ManualClock extends SimulatedClock {
  /** Moves time on by simulated seconds. */
  advance(seconds: number): void;
}

/** A clock that stands still until it is moved, so that a life cycle can be walked through without waiting. */
export function manualClock(): ManualClock {
  let now = Date.parse('2026-03-01T10:00:00Z');
  const toRealMs = (seconds: number) => seconds * 1000;
  return {
    scale: 1,
    now: () => new Date(now),
    toRealMs,
    sleep: () => Promise.reject(new Error('nothing waits on this clock')),
    advance: (seconds) => {
      now += toRealMs(seconds);
    },
  };
}

export interface Bench {
  endpoint: AwsEndpoint;
  clock: ManualClock;
  elb: ElasticLoadBalancingV2Client;
  dns: Route53Client;
  sts: STSClient;
  elbIn(region: string): ElasticLoadBalancingV2Client;
  /** A request to a knob below `/_sandbox/`. */
  control(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }>;
}

/** An endpoint with real SDK clients, closed when the test ends. `attempts` are those of the SDK. */
export async function bench(options: Partial<AwsEndpointOptions> & { attempts?: number } = {}): Promise<Bench> {
  const { attempts = 1, ...rest } = options;
  const clock = manualClock();
  const endpoint = await startAwsEndpoint({ clock, ...rest });
  const settings = (region: string) => ({
    endpoint: endpoint.url,
    region,
    credentials: { accessKeyId: 'AKIDSANDBOX', secretAccessKey: 'secret' },
    maxAttempts: attempts,
  });
  const elbIn = (region: string) => new ElasticLoadBalancingV2Client(settings(region));
  const [elb, dns, sts] = [
    elbIn('us-east-1'),
    new Route53Client(settings('us-east-1')),
    new STSClient(settings('us-east-1')),
  ];
  onTestFinished(async () => {
    for (const client of [elb, dns, sts]) client.destroy();
    await endpoint.close();
  });
  const control: Bench['control'] = async (method, path, body) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${endpoint.url}/_sandbox/${path}`, init);
    return { status: response.status, json: await response.json() };
  };
  return { endpoint, clock, elb, dns, sts, elbIn, control };
}

/** The error a promise is rejected with; fails when it is fulfilled. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('expected a failure');
}

export const SUBNETS = ['subnet-1', 'subnet-2'];
export const NOT_FOUND: Action = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } };
export const forward = (...arns: string[]): Action => ({
  Type: 'forward',
  ForwardConfig: { TargetGroups: arns.map((TargetGroupArn) => ({ TargetGroupArn, Weight: 1 })) },
});

export const present = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('expected a value');
  return value;
};

export async function createBalancer(elb: ElasticLoadBalancingV2Client, name = 'k8s-public'): Promise<string> {
  const made = await elb.send(new CreateLoadBalancerCommand({ Name: name, Subnets: SUBNETS }));
  return present(made.LoadBalancers?.[0]?.LoadBalancerArn);
}

export async function createListener(elb: ElasticLoadBalancingV2Client, balancer: string, port = 80): Promise<string> {
  const made = await elb.send(
    new CreateListenerCommand({ LoadBalancerArn: balancer, Protocol: 'HTTP', Port: port, DefaultActions: [NOT_FOUND] }),
  );
  return present(made.Listeners?.[0]?.ListenerArn);
}

export async function createGroup(elb: ElasticLoadBalancingV2Client, name: string): Promise<string> {
  const made = await elb.send(
    new CreateTargetGroupCommand({ Name: name, Protocol: 'HTTP', Port: 8080, VpcId: 'vpc-1', TargetType: 'ip' }),
  );
  return present(made.TargetGroups?.[0]?.TargetGroupArn);
}

export async function createRule(
  elb: ElasticLoadBalancingV2Client,
  listener: string,
  priority: number,
  actions: Action[] = [NOT_FOUND],
) {
  const made = await elb.send(
    new CreateRuleCommand({
      ListenerArn: listener,
      Priority: priority,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [`h${priority}.example.com`] } }],
      Actions: actions,
    }),
  );
  return present(made.Rules?.[0]?.RuleArn);
}
