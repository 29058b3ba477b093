import {
  type Change,
  type ChangeAction,
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
} from '@aws-sdk/client-route-53';
import { type Bench, bench, present } from './support.ts';

/** A Route 53 zone `example.com` and the calls that tests make in it. */
export async function zoneBench(options: Parameters<typeof bench>[0] = {}) {
  const parts: Bench = await bench(options);
  const zone = await createZone(parts.dns, 'example.com');
  const change = (...changes: Change[]) =>
    parts.dns.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes: changes } }));
  const records = async () => {
    const listed = await parts.dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone }));
    return (listed.ResourceRecordSets ?? []).filter((record) => record.Type !== 'NS' && record.Type !== 'SOA');
  };
  return { ...parts, zone, change, records };
}

export async function createZone(dns: Route53Client, Name: string, vpc?: string): Promise<string> {
  const VPC = vpc === undefined ? {} : { VPC: { VPCId: vpc, VPCRegion: 'us-east-1' as const } };
  const made = await dns.send(
    new CreateHostedZoneCommand({ Name, CallerReference: `${Name}-${vpc ?? 'public'}`, ...VPC }),
  );
  return present(made.HostedZone?.Id).replace('/hostedzone/', '');
}

type Shape = Partial<Omit<ResourceRecordSet, 'Name'>>;

export const change = (Action: ChangeAction, Name: string, shape: Shape = {}): Change => ({
  Action,
  ResourceRecordSet: { Name, Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }], ...shape },
});

export const values = (...texts: string[]): Shape => ({ ResourceRecords: texts.map((Value) => ({ Value })) });

export const alias = (
  Action: ChangeAction,
  Name: string,
  DNSName: string,
  HostedZoneId: string,
  shape: Shape = {},
): Change => ({
  Action,
  ResourceRecordSet: { Name, Type: 'A', AliasTarget: { DNSName, HostedZoneId, EvaluateTargetHealth: false }, ...shape },
});
