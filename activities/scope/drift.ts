import { balancerTagKeys, MANAGED_BY_AUTOCREATE } from '../../contract/names.ts';
import type { Drift } from '../../contract/scope/retirement.ts';
import { type RecordFacts, type RegionFacts, recordDrift, regionDrift } from '../../domain/scope/drift.ts';
import { keeperName } from '../../domain/scope/keeper.ts';
import { readTagsOf } from '../aws/load-balancers.ts';
import { foundRecord, listRecords } from '../aws/records.ts';
import { beat } from '../signal.ts';
import type { ScopeDependencies } from './dependencies.ts';
import { boundRecords, type DriftRow, driftRows, liveHosts, saveDrift } from './ledger/drift.ts';
import { observeDetails, observeRegion, reportLoads } from './observation.ts';

/** Comparing what is there with the ledger. Nothing is changed but the report; twice is harmless. */

/** Compares one source, `region:<account>/<region>` or `zone:<id>`, and replaces its part of the report. */
export async function compareWithLedger(
  deps: ScopeDependencies,
  { source, reader }: { source: string; reader: string },
): Promise<{ found: number }> {
  const [kind, rest] = [source.slice(0, source.indexOf(':')), source.slice(source.indexOf(':') + 1)];
  const found = kind === 'zone' ? await compareZone(deps, rest) : await compareRegion(deps, rest, reader);
  await saveDrift(deps.database, source, found);
  return { found: found.length };
}

async function compareRegion(deps: ScopeDependencies, place: string, reader: string): Promise<Drift[]> {
  const [account = '', region = ''] = place.split('/');
  const ages = { maxAgeSeconds: deps.settings.timings.observationMaxAge, reader };
  const { value: reading } = await observeRegion(deps, account, region, ages);
  const rows = await driftRows(deps.database, account, region);
  const known = new Set(rows.map(({ name }) => name));
  const seen: Record<string, string[]> = {};
  for (const listed of reading.balancers.filter(({ name }) => known.has(name))) {
    beat();
    const { value } = await observeDetails(deps, account, region, listed, { ...ages, withCertificates: false });
    seen[listed.name] = value?.hosts ?? [];
  }
  await reportLoads(deps, { account, region });
  const unknown = reading.balancers.filter(({ name }) => !known.has(name)).map(({ arn }) => arn);
  const tags = await readTagsOf(deps.aws, region, unknown);
  const { managedBy } = balancerTagKeys(deps.settings.brand.name);
  const facts: RegionFacts = {
    balancers: reading.balancers.map(({ name, arn }) => ({
      name,
      arn,
      ours: tags[arn]?.[managedBy] === MANAGED_BY_AUTOCREATE,
    })),
    rows: [],
    hosts: await liveHosts(deps.database, account, region),
    seen,
  };
  for (const row of rows) {
    const { name, origin, state, placed } = row;
    facts.rows.push({ name, origin, state, placed, ...(await keeperOf(deps, row)) });
  }
  return regionDrift(facts);
}

async function keeperOf(deps: ScopeDependencies, row: DriftRow): Promise<{ keeper?: boolean }> {
  if (!row.keeper || row.state !== 'active') return {};
  beat();
  const found = await deps.kubernetes.read({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    namespace: row.keeper.namespace,
    name: keeperName(row.keeper.brand, row.name),
  });
  return { keeper: found !== undefined };
}

async function compareZone(deps: ScopeDependencies, zoneId: string): Promise<Drift[]> {
  const rows = await boundRecords(deps.database, zoneId);
  const wanted = new Set(rows.map(({ name }) => name));
  const targets = new Map<string, string>();
  for await (const page of listRecords(deps.aws, zoneId)) {
    beat();
    for (const record of page.map((one) => foundRecord(zoneId, one)))
      if (record.type === 'A' && wanted.has(record.name)) targets.set(record.name, record.target);
  }
  return recordDrift(rows.map((row): RecordFacts => ({ ...row, zoneId, found: targets.get(row.name) })));
}
