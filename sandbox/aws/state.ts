import type { SimulatedClock } from '../clock.ts';
import { DEFAULT_LIFECYCLE, type Lifecycle, type Moment, momentOf } from './lifecycle.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import type { BalancerState, Certificate, DnsTables, LoadBalancer, RegionTables, TargetHealth } from './model.ts';
import { certificateArn } from './names.ts';

/**
 * All that the endpoint knows. Mutations run on a copy of the tables, which replaces them when nothing was thrown and
 * something changed: a failed request leaves no trace, and the tables before the latest mutation stay readable.
 */
export class AwsState {
  readonly accountId: string;
  readonly clock: SimulatedClock;
  /** May be changed at any time; holds for what is created from then on. */
  readonly lifecycle: Lifecycle;
  readonly #defaultLimits: Limits;
  #regions = new Map<string, Versions<RegionTables>>();
  #dns: Versions<DnsTables> = firstVersion(emptyDns());

  constructor(options: {
    accountId: string;
    clock: SimulatedClock;
    lifecycle?: Partial<Lifecycle>;
    limits?: Partial<Limits>;
  }) {
    this.accountId = options.accountId;
    this.clock = options.clock;
    this.lifecycle = { ...DEFAULT_LIFECYCLE, ...options.lifecycle };
    this.#defaultLimits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  moment(): Moment {
    return momentOf(this.clock);
  }

  /** The names of the regions that hold anything. */
  regionNames(): string[] {
    return [...this.#regions.keys()].sort();
  }

  /** The present tables of a region, for reading only. */
  region(name: string): RegionTables {
    return this.#versions(name).current;
  }

  /** The tables of a region before its latest mutation. */
  staleRegion(name: string): RegionTables {
    return this.#versions(name).previous;
  }

  mutateRegion<Result>(name: string, mutate: (tables: RegionTables) => Result): Result {
    const versions = this.#versions(name);
    const draft = copyTables(versions.current);
    const result = mutate(draft);
    this.#regions.set(name, nextVersion(versions, draft));
    return result;
  }

  /** The present hosted zones and changes, for reading only. */
  dns(): DnsTables {
    return this.#dns.current;
  }

  /** Hosted zones and changes before the latest mutation. */
  staleDns(): DnsTables {
    return this.#dns.previous;
  }

  mutateDns<Result>(mutate: (tables: DnsTables) => Result): Result {
    const draft = copyTables(this.#dns.current);
    const result = mutate(draft);
    this.#dns = nextVersion(this.#dns, draft);
    return result;
  }

  /** Puts other tables in the place of everything. */
  replace(regions: ReadonlyMap<string, RegionTables>, dns: DnsTables): void {
    this.#regions = new Map([...regions].map(([name, tables]) => [name, firstVersion(tables)]));
    this.#dns = firstVersion(dns);
  }

  /** The quotas that hold in a region. */
  limits(tables: RegionTables): Limits {
    return { ...this.#defaultLimits, ...Object.fromEntries(tables.limits) };
  }

  findLoadBalancer(region: string, name: string): LoadBalancer | undefined {
    return [...this.region(region).loadBalancers.values()].find((balancer) => balancer.name === name);
  }

  /**
   * Puts a balancer into a state from now on, in every region that has one of this name or only in `region`. When there
   * is none yet, the next one of this name settles in that state after its time of provisioning.
   */
  setBalancerState(
    name: string,
    state: BalancerState,
    options: { region?: string; reason?: string } = {},
  ): 'now' | 'on creation' {
    const regions = options.region === undefined ? this.regionNames() : [options.region];
    const holders = regions.filter((region) => this.findLoadBalancer(region, name) !== undefined);
    for (const region of holders) {
      this.mutateRegion(region, ({ loadBalancers }) => {
        for (const balancer of [...loadBalancers.values()].filter((each) => each.name === name)) {
          const { stateReason: _, ...rest } = balancer;
          const reason = options.reason === undefined ? {} : { stateReason: options.reason };
          loadBalancers.set(balancer.arn, { ...rest, ...reason, settlesAt: this.moment().now, settlesAs: state });
        }
      });
    }
    if (holders.length > 0) return 'now';
    for (const region of regions.length > 0 ? regions : ['us-east-1']) {
      this.mutateRegion(region, ({ plannedStates }) => void plannedStates.set(name, state));
    }
    return 'on creation';
  }

  /** Fixes the health of a registered target, or of all targets of the group; without `health` it is computed again. False when there is none. */
  setTargetHealth(
    region: string,
    group: string,
    target: { id?: string; port?: number },
    health?: TargetHealth,
  ): boolean {
    return this.mutateRegion(region, ({ targetGroups }) => {
      const found = [...targetGroups.values()].find((each) => each.arn === group || each.name === group);
      const hit = (each: { id: string; port: number }) =>
        (target.id === undefined || each.id === target.id) && (target.port === undefined || each.port === target.port);
      if (!found?.targets.some(hit)) return false;
      const targets = found.targets.map((each) => {
        if (!hit(each)) return each;
        const { health: _, ...rest } = each;
        return health === undefined ? rest : { ...rest, health };
      });
      targetGroups.set(found.arn, { ...found, targets });
      return true;
    });
  }

  addCertificate(
    region: string,
    domains: readonly string[],
    arn = certificateArn(region, this.accountId),
  ): Certificate {
    const certificate = { arn, domains: [...domains] };
    this.mutateRegion(region, ({ certificates }) => void certificates.set(arn, certificate));
    return certificate;
  }

  removeCertificate(region: string, arn: string): boolean {
    return this.mutateRegion(region, ({ certificates }) => certificates.delete(arn));
  }

  /** The certificates that cover a host: by its own name, or by a wildcard in place of its first label. */
  certificatesFor(region: string, host: string): Certificate[] {
    const wanted = host.toLowerCase();
    const wildcard = wanted.includes('.') ? `*${wanted.slice(wanted.indexOf('.'))}` : undefined;
    return [...this.region(region).certificates.values()].filter((certificate) =>
      certificate.domains.some((domain) => [wanted, wildcard].includes(domain.toLowerCase())),
    );
  }

  #versions(name: string): Versions<RegionTables> {
    const versions = this.#regions.get(name) ?? firstVersion(emptyRegion());
    this.#regions.set(name, versions);
    return versions;
  }
}

export function emptyRegion(): RegionTables {
  return {
    loadBalancers: new Map(),
    listeners: new Map(),
    rules: new Map(),
    targetGroups: new Map(),
    certificates: new Map(),
    limits: new Map(),
    plannedStates: new Map(),
  };
}

export const emptyDns = (): DnsTables => ({ zones: new Map(), changes: new Map() });

interface Versions<Tables> {
  readonly current: Tables;
  readonly previous: Tables;
}

const firstVersion = <Tables>(tables: Tables): Versions<Tables> => ({ current: tables, previous: tables });

/** A mutation that changed nothing makes no version. */
function nextVersion<Tables extends object>(versions: Versions<Tables>, draft: Tables): Versions<Tables> {
  return sameTables(versions.current, draft) ? versions : { current: draft, previous: versions.current };
}

function copyTables<Tables extends object>(tables: Tables): Tables {
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, new Map(table)])) as Tables;
}

/** Records are immutable, so tables are equal when they hold the same objects. */
function sameTables<Tables extends object>(one: Tables, other: Tables): boolean {
  const others: Record<string, Map<string, unknown>> = Object.fromEntries(Object.entries(other));
  return Object.entries(one as Record<string, Map<string, unknown>>).every(([name, table]) => {
    const twin = others[name];
    return twin?.size === table.size && [...table].every(([key, record]) => twin.get(key) === record);
  });
}
