import {
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { fromRoute53Name } from '../../domain/scope/hosts.ts';
import { PRIVATE_ZONE, PUBLIC_ZONE, REGION, type World } from './world.ts';

/** What is really there, asked of AWS, the cluster and the ledger: tests compare it with what must be there. */

export interface Truth {
  /** Names of all balancers in the region, sorted. */
  balancers: string[];
  /** Alias records as `<zone> <name> -> <target>`, sorted. */
  records: string[];
  /** Keeper Ingresses of the world's namespace, by name. */
  keepers: string[];
  /** Live placements as `<scope> <state> <balancer>`, sorted. */
  placements: string[];
  /** Autocreated rows as `<name> <state>`, sorted. */
  rows: string[];
  /** Rows of our own DNS records as `<zone> <name>`, sorted. */
  recordRows: string[];
  /** Scopes whose row is still held by a run. */
  held: string[];
}

export async function truth(world: World): Promise<Truth> {
  const { rows: placements } = await world.database.query<{ line: string; held: boolean }>(
    `select p.scope_id || ' ' || p.state || coalesce(' ' || b.name, '') as line from placement p
      left join balancer b on b.id = p.balancer_id where p.state <> 'released' order by 1`,
  );
  const { rows: balancers } = await world.database.query<{ line: string }>(
    `select name || ' ' || state as line from balancer where origin = 'autocreated' order by 1`,
  );
  const { rows: records } = await world.database.query<{ line: string }>(
    `select zone_id || ' ' || name as line from dns_record order by 1`,
  );
  const { rows: held } = await world.database.query<{ id: string }>(
    'select scope_id as id from placement where holder is not null order by 1',
  );
  const ingresses = await world.kubernetes.list(
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
    { namespace: world.namespace },
  );
  return {
    balancers: (await balancersOf(world)).map(({ LoadBalancerName }) => LoadBalancerName ?? '').sort(),
    records: [...(await recordsOf(world, PRIVATE_ZONE)), ...(await recordsOf(world, PUBLIC_ZONE))].sort(),
    keepers: ingresses.map(({ metadata }) => metadata?.name ?? '').sort(),
    placements: placements.map(({ line }) => line),
    rows: balancers.map(({ line }) => line),
    recordRows: records.map(({ line }) => line),
    held: held.map(({ id }) => id),
  };
}

const CREDENTIALS = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };

async function balancersOf(world: World) {
  const elb = new ElasticLoadBalancingV2Client({ region: REGION, endpoint: world.aws.url, credentials: CREDENTIALS });
  try {
    return (await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers ?? [];
  } finally {
    elb.destroy();
  }
}

/** Tags of a balancer, by key. */
export async function tagsOf(world: World, arn: string): Promise<Record<string, string>> {
  const elb = new ElasticLoadBalancingV2Client({ region: REGION, endpoint: world.aws.url, credentials: CREDENTIALS });
  try {
    const answer = await elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }));
    return Object.fromEntries(
      (answer.TagDescriptions?.[0]?.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']),
    );
  } finally {
    elb.destroy();
  }
}

async function recordsOf(world: World, zone: string): Promise<string[]> {
  const route53 = new Route53Client({ region: REGION, endpoint: world.aws.url, credentials: CREDENTIALS });
  try {
    const answer = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone }));
    return (answer.ResourceRecordSets ?? [])
      .filter(({ Type }) => Type !== 'NS' && Type !== 'SOA')
      .map(
        ({ Name, AliasTarget, ResourceRecords }) =>
          `${zone} ${fromRoute53Name(Name ?? '')} -> ${AliasTarget?.DNSName?.replace(/\.$/, '') ?? ResourceRecords?.map(({ Value }) => Value).join(',')}`,
      );
  } finally {
    route53.destroy();
  }
}

/**
 * Waits until `check` passes; fails with its last error after `seconds`. For what a controller does in its own time. Many
 * checks query a run, which costs the server and the worker a task: so what takes longer is asked less often.
 */
export async function eventually<T>(check: () => Promise<T>, seconds = 20): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 250)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** The failure that a run ended with: type, message and details. */
export async function failureOf(
  result: Promise<unknown>,
): Promise<{ type: string; message: string; details: Record<string, unknown> }> {
  try {
    await result;
  } catch (error) {
    const cause = (error as { cause?: { type?: string; message: string; details?: unknown[] } }).cause;
    return {
      type: cause?.type ?? '',
      message: cause?.message ?? '',
      details: (cause?.details?.[0] ?? {}) as Record<string, unknown>,
    };
  }
  throw new Error('the run succeeded');
}
