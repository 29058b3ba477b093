import {
  CreateHostedZoneCommand,
  DeleteHostedZoneCommand,
  GetHostedZoneCommand,
  ListHostedZonesByNameCommand,
  ListHostedZonesCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-route-53';
import { describe, expect, test } from 'vitest';
import { change, createZone, zoneBench } from './dns-support.ts';
import { bench, failure } from './support.ts';

describe('hosted zones', () => {
  test('a zone starts with its NS and SOA; a private one has its VPC', async () => {
    const { dns } = await bench();
    const [open, closed] = [await createZone(dns, 'Example.com'), await createZone(dns, 'example.com', 'vpc-1')];
    const shown = await dns.send(new GetHostedZoneCommand({ Id: open }));
    expect(shown.HostedZone).toMatchObject({
      Id: `/hostedzone/${open}`,
      Name: 'example.com.',
      ResourceRecordSetCount: 2,
      Config: { PrivateZone: false },
    });
    expect(shown.DelegationSet?.NameServers?.length).toBeGreaterThan(0);
    const hidden = await dns.send(new GetHostedZoneCommand({ Id: closed }));
    expect(hidden).toMatchObject({
      HostedZone: { Config: { PrivateZone: true } },
      VPCs: [{ VPCId: 'vpc-1', VPCRegion: 'us-east-1' }],
    });
  });

  test('a caller reference makes one zone only', async () => {
    const { dns } = await bench();
    const command = () => new CreateHostedZoneCommand({ Name: 'example.com', CallerReference: 'once' });
    expect((await dns.send(command())).Location).toContain('/2013-04-01/hostedzone/Z');
    expect((await failure(dns.send(command()))).name).toBe('HostedZoneAlreadyExists');
  });

  test('zones are listed by name from the right, from a name on, in pages', async () => {
    const { dns } = await bench();
    for (const name of ['b.org', 'a.com', 'z.a.com', 'c.net']) await createZone(dns, name);
    const all = await dns.send(new ListHostedZonesByNameCommand({}));
    expect(all.HostedZones?.map((zone) => zone.Name)).toEqual(['a.com.', 'z.a.com.', 'c.net.', 'b.org.']);
    const page = await dns.send(new ListHostedZonesByNameCommand({ DNSName: 'b.com', MaxItems: 1 }));
    expect(page).toMatchObject({ IsTruncated: true, NextDNSName: 'b.org.', MaxItems: 1 });
    expect(page.HostedZones?.map((zone) => zone.Name)).toEqual(['c.net.']);
    const first = await dns.send(new ListHostedZonesCommand({ MaxItems: 3 }));
    const rest = await dns.send(new ListHostedZonesCommand({ Marker: first.NextMarker }));
    const ids = [...(first.HostedZones ?? []), ...(rest.HostedZones ?? [])].map((zone) => zone.Id);
    expect(new Set(ids).size).toBe(4);
  });

  test('a zone with records of its own cannot be deleted', async () => {
    const { dns, zone, change: send } = await zoneBench();
    await send(change('CREATE', 'a.example.com'));
    expect((await failure(dns.send(new DeleteHostedZoneCommand({ Id: zone })))).name).toBe('HostedZoneNotEmpty');
    await send(change('DELETE', 'a.example.com'));
    await dns.send(new DeleteHostedZoneCommand({ Id: zone }));
    expect((await failure(dns.send(new GetHostedZoneCommand({ Id: zone })))).name).toBe('NoSuchHostedZone');
  });

  test('tags of a zone come from its seed', async () => {
    const { dns } = await bench({
      seed: { hostedZones: [{ id: 'ZONE1', name: 'example.com', tags: { team: 'dns' } }] },
    });
    const { ResourceTagSet } = await dns.send(
      new ListTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: 'ZONE1' }),
    );
    expect(ResourceTagSet).toEqual({
      ResourceType: 'hostedzone',
      ResourceId: 'ZONE1',
      Tags: [{ Key: 'team', Value: 'dns' }],
    });
  });
});
