import {
  AddListenerCertificatesCommand,
  CreateListenerCommand,
  DeleteListenerCommand,
  DescribeListenerCertificatesCommand,
  type Listener,
  ModifyListenerCommand,
  RemoveListenerCertificatesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ListenerSpec } from '../model/stack.ts';
import { actionText, type TargetGroupArns, toAction } from './actions.ts';
import { call, type Elb, hasCode, listeners as readListeners } from './aws.ts';
import { type TagStore, tagList } from './tags.ts';

/** Brings the listeners of a balancer to the wanted ones, matched by port, and returns their ARNs by port. Deletions come first. */
export async function deployListeners(
  elb: Elb,
  tags: TagStore,
  loadBalancerArn: string,
  wanted: readonly ListenerSpec[],
  arns: TargetGroupArns,
  beforeCreate: () => Promise<void>,
): Promise<Map<number, string>> {
  const actual = await readListeners(elb, loadBalancerArn);
  const byPort = new Map(actual.map((listener) => [listener.Port, listener]));
  for (const listener of actual) {
    if (wanted.some(({ port }) => port === listener.Port)) continue;
    await call('DeleteListener', () => elb.send(new DeleteListenerCommand({ ListenerArn: listener.ListenerArn })));
  }
  const deployed = new Map<number, string>();
  if (wanted.some(({ port }) => !byPort.has(port))) await beforeCreate();
  for (const spec of wanted) {
    const found = byPort.get(spec.port);
    const arn = found?.ListenerArn ?? (await createListener(elb, loadBalancerArn, spec, arns));
    if (found) await updateListener(elb, tags, spec, found, arns);
    if (spec.certificates.length > 1 || found) await deployExtraCertificates(elb, arn, spec);
    deployed.set(spec.port, arn);
  }
  return deployed;
}

function settings(spec: ListenerSpec, arns: TargetGroupArns) {
  const [certificate] = spec.certificates;
  return {
    Port: spec.port,
    Protocol: spec.protocol,
    DefaultActions: [toAction(spec.defaultAction, arns)],
    ...(certificate === undefined ? {} : { Certificates: [{ CertificateArn: certificate }] }),
    ...(spec.sslPolicy === undefined ? {} : { SslPolicy: spec.sslPolicy }),
  };
}

async function createListener(
  elb: Elb,
  LoadBalancerArn: string,
  spec: ListenerSpec,
  arns: TargetGroupArns,
): Promise<string> {
  const answer = await call('CreateListener', () =>
    elb.send(new CreateListenerCommand({ LoadBalancerArn, ...settings(spec, arns), Tags: tagList(spec.tags) })),
  );
  const arn = answer.Listeners?.[0]?.ListenerArn;
  if (arn === undefined) throw new Error('CreateListener answered without a listener');
  return arn;
}

async function updateListener(
  elb: Elb,
  tags: TagStore,
  spec: ListenerSpec,
  actual: Listener,
  arns: TargetGroupArns,
): Promise<void> {
  await tags.reconcile(actual.ListenerArn ?? '', spec.tags);
  const equal =
    actual.Protocol === spec.protocol &&
    actual.Certificates?.[0]?.CertificateArn === spec.certificates[0] &&
    (spec.sslPolicy === undefined || actual.SslPolicy === spec.sslPolicy) &&
    actionText(actual.DefaultActions?.[0]) === actionText(toAction(spec.defaultAction, arns));
  if (equal) return;
  await call('ModifyListener', () =>
    elb.send(new ModifyListenerCommand({ ListenerArn: actual.ListenerArn, ...settings(spec, arns) })),
  );
}

/** All certificates but the default one hang on the listener as a list of their own. */
async function deployExtraCertificates(elb: Elb, arn: string, spec: ListenerSpec): Promise<void> {
  if (spec.protocol !== 'HTTPS') return;
  const answer = await call('DescribeListenerCertificates', () =>
    elb.send(new DescribeListenerCertificatesCommand({ ListenerArn: arn })),
  ).catch((error: unknown) => {
    if (hasCode(error, 'ListenerNotFound')) return { Certificates: [] };
    throw error;
  });
  const actual = (answer.Certificates ?? []).flatMap(({ CertificateArn, IsDefault }) =>
    IsDefault || !CertificateArn ? [] : [CertificateArn],
  );
  const wanted = spec.certificates.slice(1);
  for (const CertificateArn of actual.filter((candidate) => !wanted.includes(candidate))) {
    const input = { ListenerArn: arn, Certificates: [{ CertificateArn }] };
    await call('RemoveListenerCertificates', () => elb.send(new RemoveListenerCertificatesCommand(input)));
  }
  for (const CertificateArn of wanted.filter((candidate) => !actual.includes(candidate))) {
    const input = { ListenerArn: arn, Certificates: [{ CertificateArn }] };
    await call('AddListenerCertificates', () => elb.send(new AddListenerCertificatesCommand(input)));
  }
}
