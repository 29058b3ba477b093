import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
  type Listener,
  type LoadBalancer,
  type Rule,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';

export type Elb = ElasticLoadBalancingV2Client;

const PAGE = 100;
/** The most ARNs that one DescribeTags takes. */
const TAGS_AT_ONCE = 20;

/** A failed call in the words of the controller, which is written in Go: `operation error ...: <Action>, https response error ..., <Code>: <message>`. */
export class AwsCallError extends Error {
  readonly code: string;
  constructor(action: string, cause: unknown) {
    const { code, text } = describe(cause);
    super(`operation error Elastic Load Balancing v2: ${action}, ${text}`, { cause });
    this.code = code;
  }
}

function describe(cause: unknown): { code: string; text: string } {
  if (!(cause instanceof Error)) return { code: 'Unknown', text: String(cause) };
  const { Code, $metadata } = cause as Error & {
    Code?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  const code = typeof Code === 'string' ? Code : cause.name.replace(/Exception$/, '');
  if ($metadata?.httpStatusCode === undefined)
    return { code, text: `exceeded maximum number of attempts, ${cause.message}` };
  const known = cause.name.endsWith('Exception') && cause.name !== 'ElasticLoadBalancingV2ServiceException';
  const answer = known ? `${code}: ${cause.message}` : `api error ${code}: ${cause.message}`;
  const { httpStatusCode, requestId = '' } = $metadata;
  return { code, text: `https response error StatusCode: ${httpStatusCode}, RequestID: ${requestId}, ${answer}` };
}

/** Runs one SDK call and turns its failure into an `AwsCallError`. */
export async function call<T>(action: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new AwsCallError(action, error);
  }
}

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof AwsCallError && codes.includes(error.code);

async function pages<P extends { NextMarker?: string | undefined }, T>(
  read: (marker: { Marker?: string }) => Promise<P>,
  items: (page: P) => T[] | undefined,
): Promise<T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read(marker === undefined ? {} : { Marker: marker });
    all.push(...(items(page) ?? []));
    marker = page.NextMarker || undefined;
  } while (marker !== undefined);
  return all;
}

export function loadBalancers(elb: Elb): Promise<LoadBalancer[]> {
  return call('DescribeLoadBalancers', () =>
    pages(
      (marker) => elb.send(new DescribeLoadBalancersCommand({ PageSize: PAGE, ...marker })),
      (page) => page.LoadBalancers,
    ),
  );
}

export function targetGroups(elb: Elb): Promise<TargetGroup[]> {
  return call('DescribeTargetGroups', () =>
    pages(
      (marker) => elb.send(new DescribeTargetGroupsCommand({ PageSize: PAGE, ...marker })),
      (page) => page.TargetGroups,
    ),
  );
}

export function listeners(elb: Elb, LoadBalancerArn: string): Promise<Listener[]> {
  return call('DescribeListeners', () =>
    pages(
      (marker) => elb.send(new DescribeListenersCommand({ LoadBalancerArn, PageSize: PAGE, ...marker })),
      (page) => page.Listeners,
    ),
  );
}

export function rules(elb: Elb, ListenerArn: string): Promise<Rule[]> {
  return call('DescribeRules', () =>
    pages(
      (marker) => elb.send(new DescribeRulesCommand({ ListenerArn, PageSize: PAGE, ...marker })),
      (page) => page.Rules,
    ),
  );
}

/** Reads tags of any number of resources; those that no longer exist are left out. */
export async function readTags(elb: Elb, arns: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  for (let at = 0; at < arns.length; at += TAGS_AT_ONCE) await readSome(arns.slice(at, at + TAGS_AT_ONCE));
  return found;

  // One unknown ARN fails the whole call, so a failed page is read one by one: resources of others come and go meanwhile.
  async function readSome(some: readonly string[]): Promise<void> {
    try {
      const page = await call('DescribeTags', () => elb.send(new DescribeTagsCommand({ ResourceArns: [...some] })));
      for (const { ResourceArn, Tags } of page.TagDescriptions ?? []) {
        if (ResourceArn === undefined) continue;
        found.set(ResourceArn, Object.fromEntries((Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])));
      }
    } catch (error) {
      const codes = ['LoadBalancerNotFound', 'TargetGroupNotFound', 'ListenerNotFound', 'RuleNotFound'];
      if (!hasCode(error, ...codes)) throw error;
      if (some.length > 1) for (const arn of some) await readSome([arn]);
    }
  }
}
