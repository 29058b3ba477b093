import { AwsError, validationError } from '../errors.ts';
import type { RegionTables } from '../model.ts';
import type { Params } from '../query.ts';
import { type ActionHandler, getListener, look } from './context.ts';
import { page } from './paging.ts';

/** The certificates of a listener, the default one among them. */
export const describeListenerCertificates: ActionHandler = (context, params) => {
  const listener = look(context, context.tables.listeners, 'listener', params.required('ListenerArn'));
  const rows = [
    ...(listener.certificateArn === undefined ? [] : [{ arn: listener.certificateArn, isDefault: true }]),
    ...listener.extraCertificateArns.map((arn) => ({ arn, isDefault: false })),
  ].sort((a, b) => (a.arn < b.arn ? -1 : 1));
  const { items, marker } = page(params, `certificates/${listener.arn}`, rows, (row) => row.arn);
  return {
    Certificates: items.map((row) => ({ CertificateArn: row.arn, IsDefault: row.isDefault })),
    NextMarker: marker,
  };
};

/** Adding a certificate that is there already succeeds, as documented. */
export const addListenerCertificates: ActionHandler = (context, params) => {
  const { tables, limits } = context;
  const listener = getListener(context, params.required('ListenerArn'));
  if (listener.protocol !== 'HTTPS')
    throw new AwsError('UnsupportedProtocol', 'Certificates can only be added to HTTPS listeners');
  const added = certificateArns(params);
  for (const arn of added) requireCertificate(tables, arn);
  const extra = [...new Set([...listener.extraCertificateArns, ...added])].filter(
    (arn) => arn !== listener.certificateArn,
  );
  tables.listeners.set(listener.arn, { ...listener, extraCertificateArns: extra });
  const most = limits['certificates-per-application-load-balancer'];
  const total = [...tables.listeners.values()]
    .filter((each) => each.loadBalancerArn === listener.loadBalancerArn)
    .reduce((sum, each) => sum + each.extraCertificateArns.length, 0);
  if (total > most)
    throw new AwsError(
      'TooManyCertificates',
      `The maximum number of certificates on load balancer '${listener.loadBalancerArn}' has been reached: ${most}`,
    );
  return { Certificates: added.map((arn) => ({ CertificateArn: arn, IsDefault: arn === listener.certificateArn })) };
};

export const removeListenerCertificates: ActionHandler = (context, params) => {
  const listener = getListener(context, params.required('ListenerArn'));
  const removed = certificateArns(params);
  if (listener.certificateArn !== undefined && removed.includes(listener.certificateArn)) {
    throw new AwsError('OperationNotPermitted', 'The default certificate of a listener cannot be removed');
  }
  const extra = listener.extraCertificateArns.filter((arn) => !removed.includes(arn));
  context.tables.listeners.set(listener.arn, { ...listener, extraCertificateArns: extra });
  return {};
};

export function requireCertificate(tables: RegionTables, arn: string): void {
  if (!tables.certificates.has(arn)) throw new AwsError('CertificateNotFound', `Certificate '${arn}' not found`);
}

function certificateArns(params: Params): string[] {
  const arns = (params.list('Certificates') ?? []).map((certificate) => certificate.required('CertificateArn'));
  if (arns.length === 0) throw validationError('At least one certificate must be specified');
  return arns;
}
