import { FIELD_MANAGER } from '../../../../contract/names.ts';
import { keeperName } from '../../../../domain/scope/keeper.ts';
import { CertificateMissing } from '../../../../starter/client.ts';
import type { Scene } from '../../chapter.ts';
import { unlessEqual } from '../../checks.ts';
import { follow } from '../../follow.ts';
import { INTERNAL_DOMAIN, PRIVATE } from '../setting.ts';
import { claimUnchanged, type Outcome } from './outcome.ts';
import { doomed } from './requests.ts';

export const noCertificate = (outcome: Outcome): Scene => ({
  title: 'A creation that must fail',
  about:
    `A private scope. ${PRIVATE} is full too, so it needs a new balancer, but nobody issued a certificate for its domain: ` +
    'that shows only when the controller builds the balancer. The run has to say so, and to leave nothing behind.',
  play: async (stage) => {
    const { groundwork, checks, reality } = stage;
    const before = await reality.snapshot();
    const handle = await groundwork.scopes.start(doomed);
    const [ended] = await follow(stage, [{ scopeId: doomed.scopeId, handle }]);
    if (!ended) throw new Error('the run was not followed');
    outcome.failed = ended;
    const error = 'error' in ended ? ended.error : undefined;
    const { made = [], balancer: { name = '(none)' } = {}, domain = '(none)' } = ended.status ?? {};
    const keeper = keeperName(FIELD_MANAGER, name);

    await checks.claim(
      `It failed with CertificateMissing, and names the certificate to issue: *.${INTERNAL_DOMAIN}`,
      () =>
        error instanceof CertificateMissing && error.message.includes(`*.${INTERNAL_DOMAIN}`)
          ? undefined
          : (error?.message ?? 'it succeeded'),
    );
    await checks.claim(`It had begun: it reserved the name ${name} and applied a keeper Ingress`, () =>
      made.some((what) => what.includes(name)) ? undefined : JSON.stringify(made),
    );
    await checks.claim(`AWS has no balancer ${name}`, async () =>
      (await reality.balancerNames()).find((each) => each === name),
    );
    await checks.claim(`Kubernetes has no Ingress ${keeper}`, async () =>
      (await reality.ingressNames()).find((ingress) => ingress.endsWith(`/${keeper}`)),
    );
    await checks.claim(`No hosted zone has ${domain}`, async () =>
      (await reality.snapshot()).records.find((record) => record.includes(domain)),
    );
    await checks.claim('In the ledger the place is released, the name retired, and no run holds the scope', async () =>
      unlessEqual(
        { held: false, placement: 'released', balancer: `${name} retired` },
        await reality.memory(doomed.scopeId),
      ),
    );
    await claimUnchanged(stage, 'Nothing else changed in AWS, DNS, cluster and ledger', before);
  },
});
