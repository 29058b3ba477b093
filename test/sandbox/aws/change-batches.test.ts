import { ChangeResourceRecordSetsCommand, GetChangeCommand } from '@aws-sdk/client-route-53';
import { describe, expect, test } from 'vitest';
import { alias, change, values, zoneBench } from './dns-support.ts';
import { failure } from './support.ts';

const ELB = 'k8s-public-1.us-east-1.elb.amazonaws.com';
const ELB_ZONE = 'Z35SXDOTRQ7X7K';

describe('change batches', () => {
  test('records come back with trailing dot, lower case and octal escapes', async () => {
    const { change: send, records } = await zoneBench();
    await send(
      change('CREATE', '*.App.Example.com'),
      change('CREATE', 'txt.example.com.', { Type: 'TXT', ...values('"owner=a&b <c> it\'s &#39;\n" "d"') }),
    );
    expect(await records()).toEqual([
      { Name: '\\052.app.example.com.', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.1' }] },
      {
        Name: 'txt.example.com.',
        Type: 'TXT',
        TTL: 60,
        ResourceRecords: [{ Value: '"owner=a&b <c> it\'s &#39;\n" "d"' }],
      },
    ]);
    await send(change('DELETE', '\\052.app.example.com'));
    expect(await records()).toHaveLength(1);
  });

  test('a batch is atomic and names all its failures in one message', async () => {
    const { change: send, records } = await zoneBench();
    await send(change('CREATE', 'a.example.com'));
    const error = await failure(
      send(
        change('CREATE', 'new.example.com'),
        change('CREATE', 'a.example.com'),
        change('DELETE', 'gone.example.com'),
        change('CREATE', 'a.example.org'),
      ),
    );
    expect(error.name).toBe('InvalidChangeBatch');
    expect(error.message).toBe(
      "[Tried to create resource record set [name='a.example.com.', type='A'] but it already exists, " +
        "Tried to delete resource record set [name='gone.example.com.', type='A'] but it was not found, " +
        'RRSet with DNS name a.example.org. is not permitted in zone example.com.]',
    );
    expect((await records()).map((record) => record.Name)).toEqual(['a.example.com.']);
  });

  test('a delete is a compare-and-swap on everything', async () => {
    const { change: send, records } = await zoneBench();
    await send(change('CREATE', 'a.example.com', values('192.0.2.1', '192.0.2.2')));
    for (const other of [values('192.0.2.1'), { TTL: 61, ...values('192.0.2.1', '192.0.2.2') }]) {
      expect((await failure(send(change('DELETE', 'a.example.com', other)))).message).toContain(
        'the values provided do not match the current values',
      );
    }
    await send(change('DELETE', 'A.example.com.', values('192.0.2.2', '192.0.2.1')));
    expect(await records()).toEqual([]);
  });

  test('upsert creates and replaces; delete before create replaces; anything else twice is refused', async () => {
    const { change: send, records } = await zoneBench();
    await send(change('UPSERT', 'a.example.com'));
    await send(change('UPSERT', 'a.example.com', values('192.0.2.9')));
    await send(
      change('DELETE', 'a.example.com', values('192.0.2.9')),
      change('CREATE', 'a.example.com', { Type: 'CNAME', ...values('b.example.com') }),
    );
    expect((await records()).map((record) => record.Type)).toEqual(['CNAME']);
    const error = await failure(send(change('UPSERT', 'x.example.com'), change('UPSERT', 'X.example.com')));
    expect(error.message).toContain("invalid set of changes for a resource record set 'A x.example.com.'");
  });

  test('a name must lie in the zone by whole labels', async () => {
    const { change: send } = await zoneBench();
    for (const name of ['notexample.com', 'com', 'example.com.evil.org']) {
      expect((await failure(send(change('CREATE', name)))).message).toContain('is not permitted in zone example.com.');
    }
    expect((await failure(send(change('CREATE', 'a..example.com')))).message).toContain('DomainLabelEmpty');
    expect((await failure(send(change('CREATE', `${'a'.repeat(64)}.example.com`)))).message).toContain(
      'DomainLabelTooLong',
    );
  });

  test('a CNAME stands alone and never at the apex', async () => {
    const { change: send } = await zoneBench();
    const cname = (name: string) => change('CREATE', name, { Type: 'CNAME', ...values('b.example.com') });
    await send(change('CREATE', 'a.example.com'), cname('c.example.com'));
    expect((await failure(send(cname('a.example.com')))).message).toContain('conflicts with other records');
    expect((await failure(send(change('CREATE', 'c.example.com')))).message).toContain('conflicts with other records');
    expect((await failure(send(cname('example.com')))).message).toContain('is not permitted at apex');
  });

  test('weighted sets stand beside each other, but not beside a simple one', async () => {
    const { change: send, records } = await zoneBench();
    await send(
      change('CREATE', 'a.example.com', { SetIdentifier: 'blue', Weight: 0 }),
      change('CREATE', 'a.example.com', { SetIdentifier: 'green', Weight: 255 }),
      change('CREATE', 'simple.example.com'),
    );
    expect((await records()).map((record) => [record.SetIdentifier, record.Weight])).toEqual([
      ['blue', 0],
      ['green', 255],
      [undefined, undefined],
    ]);
    expect((await failure(send(change('CREATE', 'a.example.com')))).message).toContain('other RRSets exist');
    expect(
      (await failure(send(change('UPSERT', 'simple.example.com', { SetIdentifier: 'x', Weight: 1 })))).message,
    ).toContain('other RRSets exist');
    expect(
      (await failure(send(change('CREATE', 'b.example.com', { SetIdentifier: 'x', Weight: 256 })))).message,
    ).toContain('not between 0 and 255');
    expect((await failure(send(change('CREATE', 'b.example.com', { Weight: 1 })))).message).toContain('must have both');
  });

  test('an alias names a balancer with the zone of its region, and has neither TTL nor values', async () => {
    const { change: send, records } = await zoneBench();
    await send(alias('CREATE', 'a.example.com', `dualstack.${ELB.toUpperCase()}`, ELB_ZONE));
    expect(await records()).toEqual([
      {
        Name: 'a.example.com.',
        Type: 'A',
        AliasTarget: { DNSName: `dualstack.${ELB}.`, HostedZoneId: ELB_ZONE, EvaluateTargetHealth: false },
      },
    ]);
    const wrong = await failure(send(alias('UPSERT', 'a.example.com', ELB, 'Z215JYRZR1TBD5')));
    expect(wrong).toMatchObject({ name: 'InvalidChangeBatch' });
    expect(wrong.message).toContain('does not lie within the target zone');
    expect((await failure(send(alias('UPSERT', 'a.example.com', ELB, ELB_ZONE, { TTL: 60 })))).message).toContain(
      'found more than one',
    );
    expect(
      (await failure(send({ Action: 'CREATE', ResourceRecordSet: { Name: 'e.example.com', Type: 'A', TTL: 5 } })))
        .message,
    ).toContain('found none');
  });

  test('an alias within the zone needs its target in the end', async () => {
    const { change: send, zone } = await zoneBench();
    expect((await failure(send(alias('CREATE', 'a.example.com', 'b.example.com', zone)))).message).toContain(
      'that target was not found',
    );
    await send(alias('CREATE', 'a.example.com', 'b.example.com', zone), change('CREATE', 'b.example.com'));
  });

  test.each([
    ['an A record', change('CREATE', 'a.example.com', values('example.org')), 'ARRDATAIllegalIPv4Address'],
    [
      'an AAAA record',
      change('CREATE', 'a.example.com', { Type: 'AAAA', ...values('192.0.2.1') }),
      'AAAARRDATAIllegalIPv6Address',
    ],
    ['a TXT record', change('CREATE', 'a.example.com', { Type: 'TXT', ...values('bare') }), 'InvalidCharacterString'],
    [
      'a repeated value',
      change('CREATE', 'a.example.com', values('192.0.2.1', '192.0.2.1')),
      'Duplicate Resource Record',
    ],
    [
      'the SOA deleted',
      {
        Action: 'DELETE' as const,
        ResourceRecordSet: { Name: 'example.com', Type: 'SOA' as const, TTL: 1, ...values('x') },
      },
      'do not match',
    ],
  ])('%s of wrong content is refused', async (_, wrong, text) => {
    const { change: send } = await zoneBench();
    expect((await failure(send(wrong))).message).toContain(text);
  });

  test('1000 records and 32000 characters are the limit, upserts counting twice', async () => {
    const { change: send } = await zoneBench();
    const many = (action: 'CREATE' | 'UPSERT', count: number, prefix: string) =>
      Array.from({ length: count }, (_, index) => change(action, `${prefix}${index}.example.com`));
    await send(...many('CREATE', 1000, 'c'));
    await send(...many('UPSERT', 500, 'u'));
    expect((await failure(send(...many('CREATE', 1001, 'd')))).message).toContain(
      'Number of records limit of 1000 exceeded',
    );
    expect((await failure(send(...many('UPSERT', 501, 'v')))).message).toContain(
      'Number of records limit of 1000 exceeded',
    );
    const long = Array.from({ length: 130 }, (_, index) =>
      change('CREATE', `t${index}.example.com`, { Type: 'TXT', ...values(`"${'x'.repeat(250)}"`) }),
    );
    expect((await failure(send(...long))).message).toContain('Number of characters limit of 32000 exceeded');
  });

  test('a change is PENDING, then INSYNC; an unknown one is 404 NoSuchChange', async () => {
    const { change: send, dns, clock } = await zoneBench({ lifecycle: { dnsSyncSeconds: 30 } });
    const { ChangeInfo } = await send(change('CREATE', 'a.example.com'));
    expect(ChangeInfo).toMatchObject({ Status: 'PENDING', SubmittedAt: clock.now() });
    expect(ChangeInfo?.Id).toMatch(/^\/change\/C/);
    const status = async () => (await dns.send(new GetChangeCommand({ Id: ChangeInfo?.Id }))).ChangeInfo?.Status;
    clock.advance(29);
    expect(await status()).toBe('PENDING');
    clock.advance(1);
    expect(await status()).toBe('INSYNC');
    expect(await failure(dns.send(new GetChangeCommand({ Id: 'CNONE' })))).toMatchObject({
      name: 'NoSuchChange',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('a zone refuses further batches while one is in flight, when it is told to', async () => {
    const { change: send, clock } = await zoneBench({ lifecycle: { zoneBusySeconds: 5 } });
    await send(change('CREATE', 'a.example.com'));
    expect((await failure(send(change('CREATE', 'b.example.com')))).name).toBe('PriorRequestNotComplete');
    clock.advance(5);
    await send(change('CREATE', 'b.example.com'));
  });

  test('an unknown zone is 404 NoSuchHostedZone, an empty batch InvalidInput', async () => {
    const { change: send, dns } = await zoneBench();
    const command = new ChangeResourceRecordSetsCommand({
      HostedZoneId: 'ZNONE',
      ChangeBatch: { Changes: [change('CREATE', 'a.example.com')] },
    });
    expect(await failure(dns.send(command))).toMatchObject({
      name: 'NoSuchHostedZone',
      $metadata: { httpStatusCode: 404 },
    });
    expect((await failure(send())).name).toBe('InvalidInput');
    expect(
      (await failure(send(change('CREATE', 'a.example.com', { Failover: 'PRIMARY', SetIdentifier: 'x' })))).name,
    ).toBe('InvalidInput');
  });
});
