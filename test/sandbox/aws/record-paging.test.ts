import { ListResourceRecordSetsCommand, type ListResourceRecordSetsRequest } from '@aws-sdk/client-route-53';
import { describe, expect, test } from 'vitest';
import { change, zoneBench } from './dns-support.ts';
import { failure } from './support.ts';

describe('listing record sets', () => {
  test('is ordered by reversed labels, then type, then identifier', async () => {
    const { change: send, dns, zone } = await zoneBench();
    const weighted = (id: string) => change('CREATE', 'b.example.com', { SetIdentifier: id, Weight: 1 });
    await send(
      change('CREATE', 'z.example.com'),
      change('CREATE', 'a.b.example.com'),
      weighted('green'),
      weighted('blue'),
      change('CREATE', 'example.com'),
      change('CREATE', 'b-1.example.com'),
    );
    const { ResourceRecordSets } = await dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone }));
    expect(ResourceRecordSets?.map((each) => `${each.Name} ${each.Type} ${each.SetIdentifier ?? ''}`.trim())).toEqual([
      'example.com. A',
      'example.com. NS',
      'example.com. SOA',
      'b.example.com. A blue',
      'b.example.com. A green',
      'a.b.example.com. A',
      'b-1.example.com. A',
      'z.example.com. A',
    ]);
  });

  test('the three cursors lead through all of it, once each', async () => {
    const { change: send, dns, zone } = await zoneBench();
    const wanted = ['blue', 'green', 'red'].map((id) =>
      change('CREATE', 'w.example.com', { SetIdentifier: id, Weight: 1 }),
    );
    await send(...wanted, change('CREATE', 'x.example.com'), change('CREATE', '*.example.com'));
    const seen: string[] = [];
    let cursor: Partial<ListResourceRecordSetsRequest> | undefined = {};
    while (cursor) {
      const page: Awaited<ReturnType<typeof list>> = await list(cursor);
      expect(page.ResourceRecordSets?.length).toBeLessThanOrEqual(2);
      seen.push(
        ...(page.ResourceRecordSets ?? []).map((each) =>
          `${each.Name} ${each.Type} ${each.SetIdentifier ?? ''}`.trim(),
        ),
      );
      cursor = page.IsTruncated
        ? {
            StartRecordName: page.NextRecordName,
            StartRecordType: page.NextRecordType,
            StartRecordIdentifier: page.NextRecordIdentifier,
          }
        : undefined;
    }
    expect(seen).toEqual([
      'example.com. NS',
      'example.com. SOA',
      '\\052.example.com. A',
      'w.example.com. A blue',
      'w.example.com. A green',
      'w.example.com. A red',
      'x.example.com. A',
    ]);

    function list(from: Partial<ListResourceRecordSetsRequest>) {
      return dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone, MaxItems: 2, ...from }));
    }
  });

  test('a page holds 300 at most, and a start that does not exist begins at what follows', async () => {
    const { change: send, dns, zone } = await zoneBench();
    await send(
      ...Array.from({ length: 400 }, (_, index) => change('CREATE', `r${String(index).padStart(3, '0')}.example.com`)),
    );
    const page = await dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone, MaxItems: 1000 }));
    expect(page.ResourceRecordSets).toHaveLength(300);
    expect(page).toMatchObject({ IsTruncated: true, MaxItems: 300, NextRecordName: 'r298.example.com.' });
    const from = await dns.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordName: 'R100x.example.com', MaxItems: 1 }),
    );
    expect(from.ResourceRecordSets?.[0]?.Name).toBe('r101.example.com.');
    const end = await dns.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordName: 'zz.example.com' }),
    );
    expect(end).toMatchObject({ ResourceRecordSets: [], IsTruncated: false });
  });

  test('a cursor without its first parts is InvalidInput', async () => {
    const { dns, zone } = await zoneBench();
    const type = new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordType: 'A' });
    expect((await failure(dns.send(type))).name).toBe('InvalidInput');
    const identifier = new ListResourceRecordSetsCommand({
      HostedZoneId: zone,
      StartRecordName: 'a',
      StartRecordIdentifier: 'x',
    });
    expect((await failure(dns.send(identifier))).name).toBe('InvalidInput');
  });
});
