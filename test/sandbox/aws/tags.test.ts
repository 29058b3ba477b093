import { AddTagsCommand, DescribeTagsCommand, RemoveTagsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createGroup, createListener, createRule, failure } from './support.ts';

const ABSENT = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/gone/1';

describe('tags', () => {
  test('are added, overwritten and removed on every kind of resource', async () => {
    const { elb } = await bench();
    const balancer = await createBalancer(elb);
    const listener = await createListener(elb, balancer);
    const ResourceArns = [balancer, listener, await createRule(elb, listener, 1), await createGroup(elb, 'blue')];
    await elb.send(
      new AddTagsCommand({
        ResourceArns,
        Tags: [
          { Key: 'a b', Value: 'é&=<' },
          { Key: 'empty', Value: '' },
          { Key: 'x', Value: '1' },
        ],
      }),
    );
    await elb.send(new AddTagsCommand({ ResourceArns, Tags: [{ Key: 'x', Value: '2' }] }));
    await elb.send(new RemoveTagsCommand({ ResourceArns, TagKeys: ['empty', 'never'] }));
    const { TagDescriptions } = await elb.send(new DescribeTagsCommand({ ResourceArns }));
    expect(TagDescriptions?.map((each) => each.ResourceArn)).toEqual(ResourceArns);
    for (const { Tags } of TagDescriptions ?? [])
      expect(Tags).toEqual([
        { Key: 'a b', Value: 'é&=<' },
        { Key: 'x', Value: '2' },
      ]);
  });

  test('a resource has at most 50, and a refused addition leaves nothing, not even on the resources before it', async () => {
    const { elb } = await bench();
    const [full, other] = [await createBalancer(elb, 'full'), await createBalancer(elb, 'other')];
    const tags = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({ Key: `k${from + index}`, Value: 'v' }));
    await elb.send(new AddTagsCommand({ ResourceArns: [full], Tags: tags(0, 50) }));
    const error = await failure(elb.send(new AddTagsCommand({ ResourceArns: [other, full], Tags: tags(50, 1) })));
    expect(error.name).toBe('TooManyTagsException');
    const { TagDescriptions } = await elb.send(new DescribeTagsCommand({ ResourceArns: [other] }));
    expect(TagDescriptions?.[0]?.Tags).toEqual([]);
    await elb.send(new AddTagsCommand({ ResourceArns: [full], Tags: tags(0, 1) }));
  });

  test('a key twice is DuplicateTagKeys, a reserved or overlong one a ValidationError', async () => {
    const { elb } = await bench();
    const ResourceArns = [await createBalancer(elb)];
    const add = (...keys: string[]) =>
      elb.send(new AddTagsCommand({ ResourceArns, Tags: keys.map((Key) => ({ Key, Value: 'v' })) }));
    expect((await failure(add('a', 'a'))).name).toBe('DuplicateTagKeysException');
    expect((await failure(add('aws:x'))).name).toBe('ValidationError');
    expect((await failure(add('k'.repeat(129)))).name).toBe('ValidationError');
  });

  test('more than 20 ARNs, a malformed or an absent one fail the call', async () => {
    const { elb } = await bench();
    const balancer = await createBalancer(elb);
    const describeTags = (...ResourceArns: string[]) => elb.send(new DescribeTagsCommand({ ResourceArns }));
    expect((await failure(describeTags(...Array<string>(21).fill(balancer)))).name).toBe('ValidationError');
    expect((await failure(describeTags('arn:x'))).name).toBe('ValidationError');
    expect((await failure(describeTags(balancer, ABSENT))).name).toBe('TargetGroupNotFoundException');
  });
});
