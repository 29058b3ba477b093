import {
  DescribeTagsCommand,
  ElasticLoadBalancingV2Client,
  type LoadBalancer,
  paginateDescribeListeners,
  paginateDescribeLoadBalancers,
  paginateDescribeRules,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListResourceRecordSetsCommand, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { AppsV1Api, CoreV1Api, KubeConfig, NetworkingV1Api, type V1Ingress } from '@kubernetes/client-node';
import { Database } from '../../activities/postgres/database.ts';
import { fromRoute53Name } from '../../domain/scope/hosts.ts';
import type { Sandbox } from '../sandbox.ts';

/** The demo's own look, by the ordinary clients of AWS, Kubernetes and PostgreSQL and never through the worker. */

/** Who asks, in the request log of the AWS endpoint. */
const CREDENTIALS = { accessKeyId: 'demo', secretAccessKey: 'demo' };

export interface BalancerView {
  readonly name: string;
  readonly arn: string;
  readonly dnsName: string;
  readonly state: string;
  /** Ports of the listeners, ascending. */
  readonly ports: readonly number[];
  /** Non-default rules over all listeners. */
  readonly rules: number;
  /** Hosts named in the rules. */
  readonly hosts: readonly string[];
}

/** Everything that a creation could leave, in comparable words. */
export interface Snapshot {
  readonly balancers: readonly string[];
  readonly records: readonly string[];
  readonly ingresses: readonly string[];
  readonly ledger: readonly string[];
}

export class Reality {
  readonly #elb: ElasticLoadBalancingV2Client;
  readonly #route53: Route53Client;
  readonly #networking: NetworkingV1Api;
  readonly #core: CoreV1Api;
  readonly #apps: AppsV1Api;
  readonly #ledger: Database;
  readonly #zones: readonly string[];

  constructor(sandbox: Sandbox, region: string, zones: readonly string[]) {
    const aws = { region, endpoint: sandbox.addresses.aws, credentials: CREDENTIALS };
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(sandbox.addresses.kubeconfig.admin);
    this.#elb = new ElasticLoadBalancingV2Client(aws);
    this.#route53 = new Route53Client(aws);
    this.#networking = kubeConfig.makeApiClient(NetworkingV1Api);
    this.#core = kubeConfig.makeApiClient(CoreV1Api);
    this.#apps = kubeConfig.makeApiClient(AppsV1Api);
    this.#ledger = new Database({ url: sandbox.addresses.direct.postgres, poolSize: 1, onIdleError: () => {} });
    this.#zones = zones;
  }

  /** Rows of the database, as they are. */
  async rows<Row extends Record<string, unknown>>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return (await this.#ledger.query<Row>(text, values)).rows;
  }

  async close(): Promise<void> {
    this.#elb.destroy();
    this.#route53.destroy();
    await this.#ledger.close();
  }

  /** Names of all balancers of the region, sorted. */
  async balancerNames(): Promise<string[]> {
    return (await this.#balancers()).map(({ LoadBalancerName = '' }) => LoadBalancerName).sort();
  }

  /** One balancer with its listeners and rules; undefined when AWS lists none of that name. */
  async balancer(name: string): Promise<BalancerView | undefined> {
    const found = (await this.#balancers()).find(({ LoadBalancerName }) => LoadBalancerName === name);
    if (!found) return undefined;
    const { LoadBalancerArn: arn = '', DNSName: dnsName = '', State } = found;
    const listeners = (
      await all(paginateDescribeListeners({ client: this.#elb }, { LoadBalancerArn: arn }), (page) => page.Listeners)
    ).sort((a, b) => (a.Port ?? 0) - (b.Port ?? 0));
    const rules = [];
    for (const { ListenerArn } of listeners)
      rules.push(...(await all(paginateDescribeRules({ client: this.#elb }, { ListenerArn }), (page) => page.Rules)));
    const own = rules.filter(({ IsDefault }) => IsDefault === false);
    const hosts = own.flatMap(({ Conditions = [] }) =>
      Conditions.flatMap(({ Field, HostHeaderConfig }) =>
        Field === 'host-header' ? (HostHeaderConfig?.Values ?? []) : [],
      ),
    );
    const ports = listeners.map(({ Port = 0 }) => Port);
    return { name, arn, dnsName, state: State?.Code ?? 'unknown', ports, rules: own.length, hosts };
  }

  async tags(arn: string): Promise<Record<string, string>> {
    const { TagDescriptions } = await this.#elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }));
    return Object.fromEntries((TagDescriptions?.[0]?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  }

  /** Where a host leads in a zone: the DNS name of its alias, or its plain values; undefined when there is no such record. */
  async target(zone: string, host: string): Promise<string | undefined> {
    return (await this.#records(zone)).find(({ name }) => name === host)?.target;
  }

  /** All Ingresses of the cluster as `namespace/name`, sorted. */
  async ingressNames(): Promise<string[]> {
    const { items } = await this.#networking.listIngressForAllNamespaces();
    return items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).sort();
  }

  async ingress(namespace: string, name: string): Promise<V1Ingress | undefined> {
    const { items } = await this.#networking.listNamespacedIngress({ namespace });
    return items.find(({ metadata }) => metadata?.name === name);
  }

  /** Live placements on a balancer by the ledger: the scope, its hosts and its state, by scope. */
  async placements(balancer: string): Promise<{ scope: string; hosts: string[]; state: string; held: boolean }[]> {
    const { rows } = await this.#ledger.query<{ scope: string; hosts: string[]; state: string; held: boolean }>(
      `select p.scope_id as scope, p.hosts, p.state, p.holder is not null as held from placement p
         join balancer b on b.id = p.balancer_id where b.name = $1 and p.state <> 'released' order by 1`,
      [balancer],
    );
    return rows;
  }

  /** Percent of each version of a scope in the rules of a host on a balancer; a single target group has all. */
  async shares(balancer: string, host: string, scopeId: string): Promise<Record<string, number>> {
    const found = (await this.#balancers()).find(({ LoadBalancerName }) => LoadBalancerName === balancer);
    const LoadBalancerArn = found?.LoadBalancerArn ?? '';
    const listeners = await all(
      paginateDescribeListeners({ client: this.#elb }, { LoadBalancerArn }),
      (page) => page.Listeners,
    );
    const shares: Record<string, number> = {};
    for (const { ListenerArn } of listeners) {
      const rules = await all(paginateDescribeRules({ client: this.#elb }, { ListenerArn }), (page) => page.Rules);
      for (const { Conditions = [], Actions = [] } of rules) {
        if (!Conditions.some(({ HostHeaderConfig }) => HostHeaderConfig?.Values?.includes(host))) continue;
        const groups = Actions.flatMap(({ ForwardConfig }) => ForwardConfig?.TargetGroups ?? []);
        const total = groups.reduce((sum, { Weight = 1 }) => sum + Weight, 0);
        for (const { TargetGroupArn = '', Weight = 1 } of groups) {
          const tag = (await this.tags(TargetGroupArn))['ingress.k8s.aws/resource'] ?? '';
          const version = tag.slice(tag.indexOf(`d-${scopeId}-`) + scopeId.length + 3, tag.lastIndexOf(':'));
          shares[version] = (Weight * 100) / total;
        }
      }
    }
    return shares;
  }

  /** Deployments and Services of one version, as `Kind name`. */
  async objectsOf(scopeId: string, deploymentId: string): Promise<string[]> {
    const labelSelector = `scope_id=${scopeId},deployment_id=${deploymentId}`;
    const [deployments, services] = await Promise.all([
      this.#apps.listDeploymentForAllNamespaces({ labelSelector }),
      this.#core.listServiceForAllNamespaces({ labelSelector }),
    ]);
    const names = (kind: string, items: { metadata?: { name?: string } }[]) =>
      items.map(({ metadata }) => `${kind} ${metadata?.name}`);
    return [...names('Deployment', deployments.items), ...names('Service', services.items)];
  }

  /** What the ledger remembers of a scope and of the balancer made for it, when there is such a row. */
  async memory(scopeId: string): Promise<{ placement?: string; held: boolean; balancer?: string }> {
    const { rows } = await this.#ledger.query<{
      placement: string | null;
      held: boolean | null;
      balancer: string | null;
    }>(
      `select (select state from placement where scope_id = $1) as placement,
              (select holder is not null from placement where scope_id = $1) as held,
              (select string_agg(name || ' ' || state, ', ') from balancer where created_for_scope = $1) as balancer`,
      [scopeId],
    );
    const { placement, held, balancer } = rows[0] ?? {};
    return { held: held ?? false, ...(placement ? { placement } : {}), ...(balancer ? { balancer } : {}) };
  }

  /** Rows of retired balancers and released placements are history, not leftovers: they are left out. */
  async snapshot(): Promise<Snapshot> {
    const [balancers, records, ingresses, { rows }] = await Promise.all([
      this.balancerNames(),
      Promise.all(this.#zones.map((zone) => this.#records(zone))),
      this.ingressNames(),
      this.#ledger.query<{ line: string }>(
        `select 'balancer ' || name || ' ' || state as line from balancer where origin = 'autocreated' and state <> 'retired'
         union all select 'placement of ' || scope_id || ' ' || state from placement where state <> 'released'
         union all select 'record ' || name || ' in ' || zone_id from dns_record
         union all select 'hold of ' || scope_id from placement where holder is not null order by 1`,
      ),
    ]);
    return {
      balancers,
      records: records.flat().map(({ zone, name, target }) => `${zone} ${name} -> ${target}`),
      ingresses,
      ledger: rows.map(({ line }) => line),
    };
  }

  async #balancers(): Promise<LoadBalancer[]> {
    return all(paginateDescribeLoadBalancers({ client: this.#elb }, {}), (page) => page.LoadBalancers);
  }

  /** Records besides the zone's own NS and SOA. The SDK has no paginator for this call. */
  async #records(zone: string): Promise<{ zone: string; name: string; target: string }[]> {
    const sets: ResourceRecordSet[] = [];
    let next: {
      StartRecordName?: string;
      StartRecordType?: ResourceRecordSet['Type'];
      StartRecordIdentifier?: string;
    } = {};
    for (;;) {
      const page = await this.#route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone, ...next }));
      sets.push(...(page.ResourceRecordSets ?? []));
      if (!page.IsTruncated) break;
      const { NextRecordName, NextRecordType, NextRecordIdentifier } = page;
      next = {
        ...(NextRecordName ? { StartRecordName: NextRecordName } : {}),
        ...(NextRecordType ? { StartRecordType: NextRecordType } : {}),
        ...(NextRecordIdentifier ? { StartRecordIdentifier: NextRecordIdentifier } : {}),
      };
    }
    return sets
      .filter(({ Type }) => Type !== 'NS' && Type !== 'SOA')
      .map(({ Name = '', AliasTarget, ResourceRecords = [] }) => ({
        zone,
        name: fromRoute53Name(Name),
        target: AliasTarget?.DNSName?.replace(/\.$/, '') ?? ResourceRecords.map(({ Value }) => Value).join(','),
      }));
  }
}

async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => Item[] | undefined): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}
