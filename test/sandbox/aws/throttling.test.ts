import { DescribeLoadBalancersCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListHostedZonesCommand } from '@aws-sdk/client-route-53';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, failure } from './support.ts';

const DESCRIBE = new DescribeLoadBalancersCommand({});

describe('throttling', () => {
  test('is off by default', async () => {
    const { elb } = await bench();
    await Promise.all(Array.from({ length: 60 }, () => elb.send(DESCRIBE)));
  });

  test('reads have a burst that refills in simulated time, apart from writes and other regions', async () => {
    const { elb, elbIn, clock } = await bench({
      throttling: { enabled: true, elbRead: { burst: 3, perSecond: 1 }, elbWrite: { burst: 1, perSecond: 1 } },
    });
    for (let call = 0; call < 3; call += 1) await elb.send(DESCRIBE);
    const error = await failure(elb.send(DESCRIBE));
    expect(error).toMatchObject({ name: 'Throttling', message: 'Rate exceeded' });
    await createBalancer(elb);
    const elsewhere = elbIn('eu-west-1');
    await elsewhere.send(DESCRIBE);
    elsewhere.destroy();
    clock.advance(2);
    await elb.send(DESCRIBE);
    await elb.send(DESCRIBE);
    expect((await failure(elb.send(DESCRIBE))).name).toBe('Throttling');
  });

  test('a throttled write takes no effect', async () => {
    const { elb, endpoint } = await bench({ throttling: { enabled: true, elbWrite: { burst: 1, perSecond: 1 } } });
    await createBalancer(elb, 'one');
    expect((await failure(createBalancer(elb, 'two'))).name).toBe('Throttling');
    expect(endpoint.state.findLoadBalancer('us-east-1', 'two')).toBeUndefined();
  });

  test('the documented preset gives Route 53 five requests a second and leaves STS alone', async () => {
    const { dns, sts, clock } = await bench({ throttling: 'documented' });
    const list = () => dns.send(new ListHostedZonesCommand({}));
    for (let call = 0; call < 5; call += 1) await list();
    expect((await failure(list())).name).toBe('Throttling');
    clock.advance(1);
    for (let call = 0; call < 5; call += 1) await list();
    expect((await failure(list())).name).toBe('Throttling');
    await sts.send(new GetCallerIdentityCommand({}));
  });

  test('can be switched off and on by a knob', async () => {
    const { elb, control } = await bench({ throttling: { enabled: true, elbRead: { burst: 1, perSecond: 0 } } });
    await elb.send(DESCRIBE);
    expect((await failure(elb.send(DESCRIBE))).name).toBe('Throttling');
    expect((await control('PUT', 'throttling', 'off')).status).toBe(200);
    await elb.send(DESCRIBE);
  });
});
