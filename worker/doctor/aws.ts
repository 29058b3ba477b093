import {
  DescribeListenerCertificatesCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetHealthCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetChangeCommand, ListResourceRecordSetsCommand } from '@aws-sdk/client-route-53';
import { AwsClients } from '../../activities/aws/clients.ts';
import { AwsCallError } from '../../activities/aws/errors.ts';
import { brands } from '../../domain/scope/settings.ts';
import type { Values } from '../configuration.ts';
import { type Finding, failed, ok, skipped, type Trouble } from '../findings.ts';
import { unprovableAwsActions } from '../permissions.ts';

/**
 * Credentials, and each read that the worker makes, tried on things that do not exist: AWS decides about permission first,
 * so "not found" and "not valid" mean that the call is allowed.
 */
export async function* examineAws(values: Values): AsyncGenerator<Finding> {
  const aws = new AwsClients({
    elbReadsPerSecond: values.elbReadsPerSecond,
    route53RequestsPerSecond: values.route53RequestsPerSecond,
    requestTimeoutMs: values.awsRequestTimeoutSeconds * 1000,
  });
  try {
    const account = await identify(aws, values);
    yield account.finding;
    if (account.id === undefined) return;
    const region = values.region ?? brands[values.preset].region ?? process.env.AWS_REGION;
    if (region === undefined) {
      yield skipped('AWS elasticloadbalancing', 'no region is configured: set GROUNDWORK_REGION to check it');
    } else {
      for (const read of elbReads(region, account.id))
        yield await tryRead(aws.sendElb, read, (signal) => read.call(aws, signal));
    }
    if (zonesOf(values).length === 0)
      yield skipped(
        'AWS route53:ListResourceRecordSets',
        'no zone is configured: set GROUNDWORK_HOSTED_ZONE_PUBLIC or _PRIVATE to check it',
      );
    for (const read of dnsReads(values)) yield await tryRead(aws.sendRoute53, read, (signal) => read.call(aws, signal));
    for (const action of unprovableAwsActions)
      yield skipped(`AWS ${action}`, 'cannot be proved without changing something');
  } finally {
    aws.close();
  }
}

async function identify(aws: AwsClients, values: Values): Promise<{ finding: Finding; id?: string }> {
  const subject = 'AWS credentials';
  try {
    const id = await aws.account();
    if (values.accountId === undefined || values.accountId === id) return { finding: ok(subject, `account ${id}`), id };
    const remedy = 'Correct GROUNDWORK_ACCOUNT_ID, or use credentials of that account.';
    return { finding: failed(subject, 'conflict', `account ${id}, but ${values.accountId} is configured`, remedy) };
  } catch (error) {
    return { finding: failed(subject, troubleOf(error), wordsOf(error), credentialsRemedy(error)) };
  }
}

interface Read {
  action: string;
  /** What it is tried on. */
  target: string;
  /** A thing that should exist: its absence is a failure. */
  expected?: boolean;
  call(aws: AwsClients, abortSignal: AbortSignal): Promise<unknown>;
}

type Ask = (elb: ReturnType<AwsClients['elb']>, options: { abortSignal: AbortSignal }) => Promise<unknown>;

function elbReads(region: string, account: string): Read[] {
  const arn = (rest: string) => `arn:aws:elasticloadbalancing:${region}:${account}:${rest}`;
  const balancer = arn('loadbalancer/app/groundwork-doctor/0000000000000000');
  const listener = arn('listener/app/groundwork-doctor/0000000000000000/0000000000000000');
  const group = arn('targetgroup/groundwork-doctor/0000000000000000');
  const read = (name: string, ask: Ask): Read => ({
    action: `elasticloadbalancing:${name}`,
    target: region,
    call: (aws, abortSignal) => ask(aws.elb(region), { abortSignal }),
  });
  return [
    read('DescribeLoadBalancers', (elb, options) =>
      elb.send(new DescribeLoadBalancersCommand({ PageSize: 1 }), options),
    ),
    read('DescribeListeners', (elb, options) =>
      elb.send(new DescribeListenersCommand({ LoadBalancerArn: balancer }), options),
    ),
    read('DescribeRules', (elb, options) => elb.send(new DescribeRulesCommand({ ListenerArn: listener }), options)),
    read('DescribeListenerCertificates', (elb, options) =>
      elb.send(new DescribeListenerCertificatesCommand({ ListenerArn: listener }), options),
    ),
    read('DescribeTags', (elb, options) => elb.send(new DescribeTagsCommand({ ResourceArns: [balancer] }), options)),
    read('DescribeTargetHealth', (elb, options) =>
      elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: group }), options),
    ),
    read('DescribeTargetGroupAttributes', (elb, options) =>
      elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: group }), options),
    ),
  ];
}

function zonesOf({ hostedZonePublic, hostedZonePrivate }: Values): string[] {
  return [hostedZonePublic, hostedZonePrivate].filter((id) => id !== undefined);
}

function dnsReads(values: Values): Read[] {
  return [
    ...zonesOf(values).map(
      (HostedZoneId): Read => ({
        action: 'route53:ListResourceRecordSets',
        target: `zone ${HostedZoneId}`,
        expected: true,
        call: (aws, abortSignal) =>
          aws.route53.send(new ListResourceRecordSetsCommand({ HostedZoneId, MaxItems: 1 }), { abortSignal }),
      }),
    ),
    {
      action: 'route53:GetChange',
      target: 'any change',
      call: (aws, abortSignal) =>
        aws.route53.send(new GetChangeCommand({ Id: 'C00000000000000000000' }), { abortSignal }),
    },
  ];
}

async function tryRead(
  send: AwsClients['sendElb'],
  { action, target, expected }: Read,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<Finding> {
  const subject = `AWS ${action}`;
  try {
    await send(action, target, call);
    return ok(subject, target);
  } catch (error) {
    const kind = error instanceof AwsCallError ? error.kind : 'unknown';
    if (kind === 'absent' && expected)
      return failed(
        subject,
        'notFound',
        `${target}: ${wordsOf(error)}`,
        'Correct GROUNDWORK_HOSTED_ZONE_PUBLIC or _PRIVATE.',
      );
    if (kind === 'absent' || kind === 'invalid') return ok(subject, target);
    const remedy =
      kind === 'denied' ? `Grant ${action} to the role of the worker.` : 'Try again; look at the AWS status.';
    return failed(subject, troubleOf(error), `${target}: ${wordsOf(error)}`, remedy);
  }
}

function troubleOf(error: unknown): Trouble {
  if (!(error instanceof AwsCallError)) return 'unexpected';
  if (error.kind === 'denied') return 'forbidden';
  return error.kind === 'retry' ? 'unavailable' : 'unexpected';
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof AwsCallError && error.code !== error.message
    ? `${error.code}: ${error.message}`
    : error.message;
}

function credentialsRemedy(error: unknown): string {
  const none = error instanceof AwsCallError && error.code === 'CredentialsProviderError';
  return none || troubleOf(error) === 'forbidden'
    ? 'Give the worker a role or a profile (AWS_PROFILE, AWS_ACCESS_KEY_ID, or the role of its Pod).'
    : 'Check AWS_ENDPOINT_URL and the way to AWS.';
}
