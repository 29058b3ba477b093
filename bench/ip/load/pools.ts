import type { IpPoolSpec } from '../../../contract/ip/pool.ts';
import type { IpClaimRequest } from '../../../starter/client.ts';
import type { Ip } from '../../../starter/ip/ip.ts';

/** The pools of the load (specs: IP claims, section 7), all with `allowOverlap`. */

const OWNERS = 5;
const NAMESPACES = 10;

export const tenant = (n: number) => `tenant-${n % OWNERS}`;
const ns = (n: number) => `ns-${n % NAMESPACES}`;

/** Makes them; `drain` is the pool that is emptied address by address. */
export async function makeLoadPools(ip: Ip, drain: string): Promise<void> {
  const root = (n: number, name: string, cidr: string, min: number, max: number, more: Partial<IpPoolSpec> = {}) =>
    ip.pools.create({
      owner: tenant(n),
      name,
      spec: {
        cidr,
        ipFamily: cidr.includes(':') ? 'IPv6' : 'IPv4',
        allocation: { minPrefixLength: min, maxPrefixLength: max },
        allowOverlap: true,
        ...more,
      },
    });
  await root(0, 'perf-prefix', '10.0.0.0/8', 20, 28);
  for (let n = 0; n < OWNERS; n++) {
    await root(n, `perf-prefix-${n}`, `10.${n}.0.0/16`, 20, 28);
    await root(n, `perf-ipv6-prefix-${n}`, `fd00:${n.toString(16).padStart(4, '0')}::/32`, 40, 56);
  }
  await root(0, 'perf-shared-prefix', '172.16.0.0/12', 24, 28, { visibility: 'shared' });
  await root(0, 'perf-ipv6-shared', 'fd00:f000::/28', 40, 56, { visibility: 'shared' });
  await root(0, 'perf-full', '192.168.100.0/28', 30, 30, { visibility: 'shared' });
  await root(0, 'perf-drain', drain, 32, 32);
  await root(0, 'perf-burst', '10.0.0.0/16', 28, 28);
  for (const name of ['perf-shared-prefix', 'perf-ipv6-shared', 'perf-full'])
    for (let n = 1; n < OWNERS; n++)
      await ip.pools.change({ owner: tenant(0), name }, { kind: 'grant', grantee: tenant(n) });
}

/** A claim of a pool; `of` is the pool's owner when it is another's. */
export function claimOf(n: number, name: string, pool: string, length: number, of?: string): IpClaimRequest {
  const owner = tenant(n);
  return {
    owner,
    namespace: ns(n),
    name,
    spec: {
      ipFamily: pool.includes('ipv6') ? 'IPv6' : 'IPv4',
      poolRef: { name: pool, ...(of === undefined || of === owner ? {} : { projectRef: { name: of } }) },
      prefixLength: length,
    },
  };
}

/** Nine of ten in the owner's pool, the tenth in the shared one; both families in turn. */
export function mixedClaim(n: number, index: number, name: string): IpClaimRequest {
  const six = index % 2 === 1;
  const length = six ? 48 : 28;
  if (index % 10 === 9 && n % OWNERS > 0)
    return claimOf(n, name, six ? 'perf-ipv6-shared' : 'perf-shared-prefix', length, tenant(0));
  return claimOf(n, name, `${six ? 'perf-ipv6-prefix' : 'perf-prefix'}-${n % OWNERS}`, length);
}

/** What readers ask: six of ten the list of pools, two the claims of a namespace, two one pool. */
export function reading(n: number, index: number): (inventory: Ip['inventory']) => Promise<unknown> {
  const owner = tenant(n);
  if (index % 10 < 6) return (inventory) => inventory.pools(owner);
  if (index % 10 < 8) return (inventory) => inventory.claims(owner, { namespace: ns(n) });
  return (inventory) => inventory.pool(owner, { name: `perf-prefix-${n % OWNERS}` });
}
