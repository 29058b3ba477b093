import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ChangeResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import type { Bed } from './bed.ts';
import { DOMAIN, PRIVATE_ZONE, PUBLIC_ZONE, REGION, type Zones } from './pool.ts';

/** The plain algorithm calls under a name of its own, so that the endpoint can count it apart. */
const CALLER = 'plain';

/**
 * The plain algorithm on the same pool: for each scope describe every balancer, its listeners and their rules, take the one
 * with the fewest rules, write the record into each zone. It looks at no record before and waits for none, which spares it
 * calls that ours makes. Answers its calls by action, as the endpoint counted them.
 */
export async function runPlain(
  bed: Bed,
  balancers: readonly string[],
  scopes: number,
  zones: Zones,
): Promise<Record<string, number>> {
  const options = {
    region: REGION,
    endpoint: bed.sandbox.aws.url,
    credentials: { accessKeyId: CALLER, secretAccessKey: 'sandbox' },
    maxAttempts: 1,
  };
  const elb = new ElasticLoadBalancingV2Client(options);
  const route53 = new Route53Client(options);
  try {
    for (let scope = 1; scope <= scopes; scope += 1) {
      const seen: { balancer: LoadBalancer; rules: number }[] = [];
      for (const name of balancers) seen.push(await describe(elb, name));
      const [best] = seen.sort((a, b) => a.rules - b.rules);
      if (!best) throw new Error('the pool is empty');
      for (const zone of zones === 'two zones' ? [PRIVATE_ZONE, PUBLIC_ZONE] : [PUBLIC_ZONE])
        await route53.send(writing(zone, `plain-${scope}.${DOMAIN}`, best.balancer));
    }
  } finally {
    elb.destroy();
    route53.destroy();
  }
  return bed.sandbox.aws.requestCounts(CALLER);
}

async function describe(elb: ElasticLoadBalancingV2Client, name: string) {
  const { LoadBalancers: [balancer] = [] } = await elb.send(new DescribeLoadBalancersCommand({ Names: [name] }));
  if (!balancer) throw new Error(`there is no balancer ${name}`);
  const { Listeners = [] } = await elb.send(
    new DescribeListenersCommand({ LoadBalancerArn: balancer.LoadBalancerArn }),
  );
  let rules = 0;
  for (const { ListenerArn } of Listeners) {
    const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
    rules += Rules.filter(({ IsDefault }) => IsDefault === false).length;
  }
  return { balancer, rules };
}

function writing(zone: string, name: string, { CanonicalHostedZoneId, DNSName }: LoadBalancer) {
  return new ChangeResourceRecordSetsCommand({
    HostedZoneId: zone,
    ChangeBatch: {
      Changes: [
        {
          Action: 'CREATE',
          ResourceRecordSet: {
            Name: name,
            Type: 'A',
            AliasTarget: { HostedZoneId: CanonicalHostedZoneId, DNSName, EvaluateTargetHealth: false },
          },
        },
      ],
    },
  });
}
