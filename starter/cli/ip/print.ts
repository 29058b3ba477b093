import { utilizationPercent } from '../../../contract/ip/capacity.ts';
import type {
  Capacity,
  IpClaim,
  IpClaimAnswer,
  IpEvent,
  IpImportReport,
  IpPool,
  IpPoolChangeResult,
  IpProblem,
} from '../../client.ts';
import { type Colors, columns } from '../io.ts';

/** Answers of the IP room for people, as lines. */

type Pair = [label: string, value: string];

function pairs(given: readonly Pair[]): string[] {
  const filled = given.filter(([, value]) => value !== '');
  const width = Math.max(0, ...filled.map(([label]) => label.length));
  return filled.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

const percent = (value: number) => `${value.toFixed(4)} %`;

function table(rows: readonly (readonly string[])[], colors: Colors): string[] {
  return columns(rows, (cell, _, row) => (row === 0 ? colors.dim(cell) : cell));
}

/** Use of a pool before and after `added` addresses more are allocated than now are; `added` may be negative. */
export function change(now: Capacity, added: bigint): string {
  const before = BigInt(now.allocated) - added;
  const share = (allocated: bigint) => percent(utilizationPercent(String(allocated < 0n ? 0n : allocated), now.total));
  return `${share(before)} -> ${share(BigInt(now.allocated))}`;
}

/** Addresses of a block, from its text. */
export function addressesOf(cidr: string): bigint {
  const length = Number(cidr.slice(cidr.indexOf('/') + 1));
  return 1n << BigInt((cidr.includes(':') ? 128 : 32) - length);
}

export function claimLines(answer: IpClaimAnswer, use: string, colors: Colors): string[] {
  const blocks = answer.allocations ?? [answer];
  const one = answer.allocations === undefined;
  const verb = answer.dryRun
    ? 'would get'
    : answer.replayed
      ? 'holds already'
      : answer.rebound
        ? 'holds again'
        : 'holds';
  const what = one ? answer.allocatedCIDR : `${blocks.length} blocks`;
  return [
    colors.green(`Claim ${answer.namespace}/${answer.name} ${verb} ${what}`),
    ...(one ? [] : blocks.map(({ name, allocatedCIDR }) => `  ${name}  ${allocatedCIDR}`)),
    ...pairs([
      ['pool', `${answer.pool.owner}/${answer.pool.name}`],
      ['allocation', one ? answer.boundAllocationRef.name : ''],
      ['uid', one && !answer.dryRun ? answer.uid : ''],
      ['lease ends', answer.expiresAt ?? ''],
      ['utilization', use],
    ]),
  ];
}

export function poolLines(
  pool: IpPool,
  colors: Colors,
  more: { grants?: string[]; children?: string[] } = {},
): string[] {
  const { status, allocation } = pool;
  const { capacity, breakdown } = status;
  return [
    colors.bold(`Pool ${pool.owner}/${pool.name}: ${status.allocatedCIDR} (${status.phase})`),
    ...pairs([
      ['parent', pool.parentPoolRef ? `${pool.parentPoolRef.owner}/${pool.parentPoolRef.name}` : ''],
      ['family', pool.ipFamily],
      ['gives', `/${allocation.minPrefixLength} to /${allocation.maxPrefixLength}, ${allocation.strategy}`],
      ['visibility', pool.visibility],
      ['cool-down', `${pool.cooldownSeconds} s`],
      ['retention', pool.retentionSeconds === undefined ? 'for ever' : `${pool.retentionSeconds} s`],
      [
        'labels',
        Object.entries(pool.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', '),
      ],
      ['addresses', `${capacity.total}: ${capacity.available} free, ${capacity.allocated} allocated`],
      [
        'allocated',
        (Object.entries(breakdown) as [string, string][])
          .filter(([, count]) => count !== '0')
          .map(([what, count]) => `${count} ${what}`)
          .join(', '),
      ],
      [
        'largest free',
        status.largestFreePrefix === null
          ? 'none'
          : `/${status.largestFreePrefix} (${status.freeBlocks} free ${status.freeBlocks === 1 ? 'block' : 'blocks'})`,
      ],
      ['utilization', percent(status.utilizationPercent)],
      ['children', (more.children ?? []).join(', ')],
      ['granted to', (more.grants ?? []).join(', ')],
    ]),
  ];
}

export function poolTable(pools: readonly IpPool[], colors: Colors): string[] {
  if (pools.length === 0) return ['No pool.'];
  const head = ['POOL', 'FAMILY', 'CIDR', 'GIVES', 'FREE', 'UTILIZATION', 'PHASE'];
  const rows = pools.map(({ owner, name, ipFamily, allocation, status }) => [
    `${owner}/${name}`,
    ipFamily,
    status.allocatedCIDR,
    `/${allocation.minPrefixLength}-/${allocation.maxPrefixLength}`,
    status.capacity.available,
    percent(status.utilizationPercent),
    status.phase,
  ]);
  return table([head, ...rows], colors);
}

export function claimTable(claims: readonly IpClaim[], colors: Colors): string[] {
  if (claims.length === 0) return ['No claim.'];
  const head = ['CLAIM', 'CIDR', 'POOL', 'PHASE', 'LEASE ENDS', 'UID'];
  const rows = claims.map(({ namespace, name, allocatedCIDR, pool, phase, expiresAt, uid }) => [
    `${namespace}/${name}`,
    allocatedCIDR,
    `${pool.owner}/${pool.name}`,
    phase,
    expiresAt ?? '-',
    uid,
  ]);
  return table([head, ...rows], colors);
}

export function eventTable(events: readonly IpEvent[], colors: Colors): string[] {
  if (events.length === 0) return ['Nothing is known of it.'];
  const head = ['AT', 'WHAT', 'CIDR', 'CLAIM', 'POOL', 'BY', 'RUN'];
  const rows = events.map(({ at, kind, cidr, owner, namespace, name, pool, actor, workflowId, reason }) => [
    at,
    reason ? `${kind} (${reason})` : kind,
    cidr ?? '-',
    namespace && name ? `${owner}/${namespace}/${name}` : '-',
    pool ?? '-',
    actor ?? '-',
    workflowId ?? '-',
  ]);
  return table([head, ...rows], colors);
}

export function changeLines({ changed, pool }: IpPoolChangeResult, colors: Colors): string[] {
  if (changed.length === 0) return [`Pool ${pool.owner}/${pool.name} was so already.`];
  return [colors.green(`Pool ${pool.owner}/${pool.name} is changed.`), ...changed.map((line) => `  ${line}`)];
}

export function importLines(report: IpImportReport, colors: Colors): string[] {
  const { imported, unchanged, conflicts, conflictList, dryRun } = report;
  const verb = dryRun ? 'would be imported' : 'imported';
  return [
    `${imported} ${verb}, ${unchanged} unchanged, ${conflicts} in conflict`,
    ...conflictList.map(({ line, reason, message }) => colors.red(`  line ${line}: ${reason}: ${message}`)),
    ...(conflictList.length < conflicts ? [`  and ${conflicts - conflictList.length} more`] : []),
  ];
}

export function verifyLines(verified: readonly string[], problems: readonly IpProblem[], colors: Colors): string[] {
  if (problems.length === 0)
    return [
      colors.green(
        `${verified.length} ${verified.length === 1 ? 'pool' : 'pools'} verified: every address is accounted for once.`,
      ),
    ];
  return [
    colors.red(`${problems.length} problems in ${verified.length} pools:`),
    ...problems.map(
      ({ pool, problem, cidr, detail }) => `  ${[pool, problem, cidr, detail].filter(Boolean).join('  ')}`,
    ),
  ];
}
