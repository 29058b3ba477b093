import { balancerTagKeys, FIELD_MANAGER, MANAGED_BY_AUTOCREATE } from '../../../../contract/names.ts';
import type { ScopeStatus } from '../../../../contract/scope/status.ts';
import { checklist } from '../../../../domain/scope/checklist.ts';
import { keeperName } from '../../../../domain/scope/keeper.ts';
import { plainLines } from '../../../../starter/cli/screen.ts';
import type { RunHandle, ScopeCreationResult } from '../../../../starter/client.ts';
import type { Scene, Stage } from '../../chapter.ts';
import { unlessEqual, unlessSame } from '../../checks.ts';
import { follow } from '../../follow.ts';
import { FULL, MOST_RULES, NEARLY_FULL, NEARLY_FULL_RULES, PRIVATE_ZONE, PUBLIC_ZONE } from '../setting.ts';
import { loadOf, type Outcome } from './outcome.ts';
import { five, impatient } from './requests.ts';

/** Brand of the worker's default preset: namespace, tag prefix and first part of keeper names. */
const BRAND = FIELD_MANAGER;

export const fiveAtOnce = (outcome: Outcome): Scene => ({
  title: 'Five scopes at once, room for two',
  about:
    'Two should fit. The other three should share one new balancer: one run creates it, and all three wait until AWS calls ' +
    `it active. The request for ${impatient.scopeId} is sent twice, as an impatient caller would.`,
  play: async (stage) => {
    const { groundwork, reality, checks } = stage;
    const before = await reality.balancerNames();
    const runs = await Promise.all(
      five.map(async (request) => ({ scopeId: request.scopeId, handle: await groundwork.scopes.start(request) })),
    );
    const again = await groundwork.scopes.start(impatient);
    outcome.ended = await follow(stage, runs, { onStatus: telling(stage) });

    await checks.claim(
      'All five creations succeeded',
      () =>
        outcome.ended
          .flatMap((run) => ('error' in run ? [`${run.scopeId}: ${run.error.name}: ${run.error.message}`] : []))
          .join('; ') || undefined,
    );
    await claimJoined(stage, runs.find(({ scopeId }) => scopeId === impatient.scopeId)?.handle, again);
    const results = outcome.ended.flatMap((run) => ('result' in run ? [run.result] : []));
    for (const result of results) await claimDns(stage, result);
    await claimDeclared(stage);
    await claimNewBalancer(stage, results, before);
    await claimLedger(stage, results);
  },
});

/** Shows the checklist of the creating run once, while it waits, and notes when the first scope is there. */
function telling({ narrator, milestone }: Stage): (status: ScopeStatus) => void {
  let shown = false;
  return (status) => {
    if (status.phase === 'Done') milestone('first scope created');
    if (shown || !status.balancer?.created || !status.waitingFor?.lastSeen?.includes('provisioning')) return;
    shown = true;
    narrator.note(`Its checklist, as on its page in the Temporal UI:`, 10);
    for (const line of plainLines(checklist(status)).filter(Boolean)) narrator.note(`| ${line}`, 10);
  };
}

async function claimJoined(
  { checks }: Stage,
  open: RunHandle<unknown> | undefined,
  again: RunHandle<unknown>,
): Promise<void> {
  await checks.claim(`The second request for ${impatient.scopeId} joined the run of the first`, () =>
    unlessEqual({ joined: true, runId: open?.runId }, { joined: again.joined, runId: again.runId }),
  );
}

async function claimDns({ checks, reality }: Stage, { scopeId, domain, balancer }: ScopeCreationResult): Promise<void> {
  await checks.claim(`${scopeId}: both hosted zones lead ${domain} to ${balancer.name}`, async () => {
    const { dnsName = 'a balancer that AWS does not have' } = (await reality.balancer(balancer.name)) ?? {};
    const targets = await Promise.all([PRIVATE_ZONE, PUBLIC_ZONE].map((zone) => reality.target(zone, domain)));
    return unlessEqual(
      [dnsName, dnsName],
      targets.map((target) => target ?? 'no record'),
    );
  });
}

async function claimDeclared(stage: Stage): Promise<void> {
  const { checks, reality } = stage;
  const room = MOST_RULES - NEARLY_FULL_RULES;
  await checks.claim(
    `${NEARLY_FULL} took ${room} and is full now: ${NEARLY_FULL_RULES} rules in AWS + ${room} placed = ${MOST_RULES}`,
    async () => unlessEqual({ rules: NEARLY_FULL_RULES, placed: room }, await loadOf(stage, NEARLY_FULL)),
  );
  await checks.claim(`${FULL} was full and got none`, async () =>
    unlessEqual(
      [],
      (await reality.placements(FULL)).map(({ scope }) => scope),
    ),
  );
}

async function claimNewBalancer(
  { checks, reality, sandbox }: Stage,
  results: readonly ScopeCreationResult[],
  before: readonly string[],
): Promise<void> {
  const fresh = results.filter(({ balancer }) => balancer.origin === 'autocreated');
  const creators = fresh.filter(({ balancer }) => balancer.created).map(({ scopeId }) => scopeId);
  const [name = '(none)'] = new Set(fresh.map(({ balancer }) => balancer.name));
  const made = await reality.balancer(name);

  await checks.claim(`AWS has exactly one balancer more, ${name}, and was asked for it once`, async () => {
    const asked = sandbox.aws.requestCounts()['elbv2:CreateLoadBalancer'] ?? 0;
    return unlessSame([...before, name], await reality.balancerNames()) ?? unlessEqual(1, asked);
  });
  await checks.claim(`One run created it (${creators[0] ?? 'none'}), two joined, all three on the same one`, () =>
    unlessEqual(
      { created: 1, joined: 2, balancers: 1 },
      {
        created: creators.length,
        joined: fresh.length - creators.length,
        balancers: new Set(fresh.map(({ balancer }) => balancer.name)).size,
      },
    ),
  );
  await checks.claim('It is active and listens on ports 80 and 443', () =>
    unlessEqual({ state: 'active', ports: [80, 443] }, { state: made?.state, ports: made?.ports }),
  );
  await checks.claim('Its tags say what made it, and for whom', async () => {
    const keys = balancerTagKeys(BRAND);
    const expected = {
      [keys.managedBy]: MANAGED_BY_AUTOCREATE,
      [keys.visibility]: 'internet-facing',
      [keys.createdByScope]: creators[0],
    };
    const tags = made ? await reality.tags(made.arn) : {};
    return unlessEqual(expected, Object.fromEntries(Object.keys(expected).map((key) => [key, tags[key]])));
  });
  await checks.claim('In Kubernetes one keeper Ingress keeps it alive, and has its address', async () => {
    const keeper = await reality.ingress(BRAND, keeperName(BRAND, name));
    const addresses = keeper?.status?.loadBalancer?.ingress?.map(({ hostname }) => hostname) ?? [];
    return unlessEqual([made?.dnsName], addresses);
  });
}

async function claimLedger({ checks, reality }: Stage, results: readonly ScopeCreationResult[]): Promise<void> {
  await checks.claim('In the ledger all five are bound, and no run holds any of them', async () => {
    const names = [...new Set(results.map(({ balancer }) => balancer.name))];
    const placed = (await Promise.all(names.map((name) => reality.placements(name)))).flat();
    const bound = placed.filter(({ state, held }) => state === 'bound' && !held).map(({ scope }) => scope);
    return unlessSame(
      five.map(({ scopeId }) => scopeId),
      bound,
    );
  });
}
