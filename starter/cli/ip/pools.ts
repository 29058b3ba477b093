import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { ipStrategies, ipVisibilities } from '../../../contract/ip/pool.ts';
import type { IpFamily, IpPoolChange, IpPoolSpec, IpStrategy, IpVisibility } from '../../client.ts';
import { type Context, nonNegativeWhole, positiveWhole, repeated } from '../command.ts';
import { UsageError } from '../failing.ts';
import { writeLines } from '../io.ts';
import { asOwner, labels, type OwnerOptions, poolRef, say, withOwner } from './options.ts';
import { changeLines, poolLines, poolTable } from './print.ts';

/** `groundwork ip pool ...` */

interface SettingOptions {
  min?: number;
  max?: number;
  strategy?: IpStrategy;
  visibility?: IpVisibility;
  label?: string[];
  cooldown?: number;
  retention?: number;
}

interface CreateOptions extends OwnerOptions, SettingOptions {
  cidr?: string;
  parent?: string;
  prefixLength?: number;
  requested?: string;
  reserve?: string[];
  leading?: number;
  trailing?: number;
  allowOverlap?: boolean;
}

export function addPoolCommands(ip: Command, context: Context): void {
  const pool = ip.command('pool').description('make, change and look at pools');
  const { io } = context;

  withSettings(withOwner(pool.command('create').description('make a root pool, or carve one from its parent')))
    .argument('<name>', 'name of the pool')
    .option('--cidr <cidr>', 'block of a root')
    .option('--parent <pool>', 'parent of a child; OWNER/NAME for one that is shared')
    .option('--prefix-length <length>', 'length of a child', positiveWhole)
    .option('--requested <cidr>', 'a specific block of the parent')
    .option('--reserve <range>', 'CIDR or FIRST-LAST that is never given out; may be repeated', repeated)
    .option('--leading <count>', 'so many blocks of the longest length at the beginning are reserved', positiveWhole)
    .option('--trailing <count>', 'so many at the end', positiveWhole)
    .option('--allow-overlap', 'this root may overlap another of its owner')
    .action(async (name: string, options: CreateOptions) =>
      asOwner(context, options, async ({ groundwork, owner, actor }) => {
        const given = options.label ? { labels: labels(options.label) } : {};
        const request = { owner, ...actor, name, ...given, spec: specOf(options) };
        const result = await groundwork.ip.pools.create(request);
        const cidrs = [result.pool.status.allocatedCIDR];
        say(io, options, result, cidrs, (colors) => poolLines(result.pool, colors));
      }),
    );

  withOwner(pool.command('list').description('pools of the owner'))
    .option('--granted', 'also those that others share with it')
    .action(async (options: OwnerOptions & { granted?: boolean }) =>
      asOwner(context, options, async ({ groundwork, owner }) => {
        const pools = await groundwork.ip.inventory.pools(owner, { granted: options.granted });
        const cidrs = pools.map(({ status }) => status.allocatedCIDR);
        say(io, options, pools, cidrs, (colors) => poolTable(pools, colors));
      }),
    );

  withOwner(pool.command('show').description('a pool with what is in it'))
    .argument('<name>', 'name of the pool; OWNER/NAME for one that is shared')
    .action(async (name: string, options: OwnerOptions) =>
      asOwner(context, options, async ({ groundwork, owner }) => {
        const found = await groundwork.ip.inventory.pool(owner, poolRef(name));
        const cidrs = [found.pool.status.allocatedCIDR];
        say(io, options, found, cidrs, (colors) => poolLines(found.pool, colors, found));
      }),
    );

  withOwner(pool.command('delete').description('remove a pool that holds nothing; says what stands in the way'))
    .argument('<name>', 'name of the pool')
    .action(async (name: string, options: OwnerOptions) =>
      asOwner(context, options, async ({ groundwork, owner, actor }) => {
        const result = await groundwork.ip.pools.delete({ owner, ...actor, name });
        const words = result.deleted
          ? `Pool ${owner}/${name} (${result.allocatedCIDR}) is deleted.`
          : `Pool ${owner}/${name}: there was nothing to delete.`;
        say(io, options, result, result.allocatedCIDR ? [result.allocatedCIDR] : [], () => [words]);
      }),
    );

  withSettings(withOwner(pool.command('set').description('change settings and labels')))
    .argument('<name>', 'name of the pool')
    .option('--keep-retained', 'retained blocks stay for ever')
    .action(async (name: string, options: OwnerOptions & SettingOptions & { keepRetained?: boolean }) =>
      changed(context, name, options, {
        kind: 'settings',
        spec: { ...settingsOf(options), ...(options.keepRetained ? { retentionSeconds: null } : {}) },
        ...(options.label ? { labels: labels(options.label) } : {}),
      }),
    );

  for (const [kind, words] of [
    ['reserve', 'take ranges out of what is given'],
    ['unreserve', 'give ranges back'],
  ] as const) {
    withOwner(pool.command(kind).description(words))
      .argument('<name>', 'name of the pool')
      .argument('<range...>', 'CIDR or FIRST-LAST')
      .action(async (name: string, ranges: string[], options: OwnerOptions) =>
        changed(context, name, options, { kind, ranges }),
      );
  }

  for (const [kind, words] of [
    ['grant', 'let another owner use a shared pool'],
    ['revoke', 'take a grant back; what is held stays'],
  ] as const) {
    withOwner(pool.command(kind).description(words))
      .argument('<name>', 'name of the pool')
      .argument('<grantee>', 'the other owner')
      .action(async (name: string, grantee: string, options: OwnerOptions) =>
        changed(context, name, options, { kind, grantee }),
      );
  }

  withOwner(pool.command('map').description('draw how a pool is used'))
    .argument('<name>', 'name of the pool; OWNER/NAME for one that is shared')
    .option('--svg <file>', 'as an image instead')
    .option('--ascii', 'with letters only')
    .option('--cells <count>', 'at most so many cells, 1024 at most', positiveWhole, 1024)
    .action(async (name: string, options: OwnerOptions & { svg?: string; ascii?: boolean; cells: number }) =>
      asOwner(context, options, async ({ groundwork, owner }) => {
        const { mapLines, mapSvg } = await import('../../ip/map.ts');
        const map = await groundwork.ip.inventory.map(owner, poolRef(name), { cells: options.cells });
        if (options.svg !== undefined) {
          await writeFile(options.svg, mapSvg(map)).catch((error: Error) => {
            throw new UsageError(`--svg ${options.svg} cannot be written: ${error.message}`);
          });
          writeLines(io.stderr, [`The map of pool ${owner}/${name} is in ${options.svg}.`]);
          if (!options.json) return;
        }
        say(io, options, map, [map.pool.status.allocatedCIDR], (colors) => [
          ...poolLines(map.pool, colors).slice(0, 1),
          ...mapLines(map, options.ascii ? { ascii: true } : {}),
        ]);
      }),
    );
}

async function changed(context: Context, name: string, options: OwnerOptions, change: IpPoolChange): Promise<void> {
  await asOwner(context, options, async ({ groundwork, owner, actor }) => {
    const result = await groundwork.ip.pools.change({ owner, name, ...actor }, change);
    say(context.io, options, result, [result.pool.status.allocatedCIDR], (colors) => changeLines(result, colors));
  });
}

function withSettings(command: Command): Command {
  return command
    .option('--min <length>', 'shortest length, that is biggest block, that is given', positiveWhole)
    .option('--max <length>', 'longest length that is given', positiveWhole)
    .addOption(new Option('--strategy <name>', 'which free block is taken').choices(ipStrategies))
    .addOption(new Option('--visibility <name>', 'who may use it').choices(ipVisibilities))
    .option('--label <key=value>', 'may be repeated; replaces all labels', repeated)
    .option('--cooldown <seconds>', 'how long a freed block rests', nonNegativeWhole)
    .option('--retention <seconds>', 'how long a retained block is kept', positiveWhole);
}

function settingsOf({ min, max, strategy, visibility, cooldown, retention }: SettingOptions) {
  return {
    allocation: { minPrefixLength: min, maxPrefixLength: max, strategy },
    visibility,
    cooldownSeconds: cooldown,
    retentionSeconds: retention,
  };
}

function specOf(options: CreateOptions): IpPoolSpec {
  const { cidr, parent, prefixLength, requested, reserve, leading, trailing, allowOverlap } = options;
  const ipFamily: IpFamily = cidr?.includes(':') ? 'IPv6' : 'IPv4';
  const reservations = { ranges: reserve, leading, trailing };
  return {
    ...settingsOf(options),
    ...(cidr === undefined ? {} : { cidr, ipFamily }),
    ...(parent === undefined ? {} : { parentPoolRef: poolRef(parent) }),
    prefixLength,
    requestedCIDR: requested,
    allowOverlap,
    ...(Object.values(reservations).some((value) => value !== undefined) ? { reservations } : {}),
  };
}
