import {
  AddListenerCertificatesCommand,
  CreateListenerCommand,
  DescribeListenerCertificatesCommand,
  type ElasticLoadBalancingV2Client,
  RemoveListenerCertificatesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, test } from 'vitest';
import { bench, createBalancer, createListener, failure, NOT_FOUND, present } from './support.ts';

async function createHttps(elb: ElasticLoadBalancingV2Client, balancer: string, ...certificates: string[]) {
  const made = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: balancer,
      Protocol: 'HTTPS',
      Port: 443,
      Certificates: certificates.map((CertificateArn) => ({ CertificateArn })),
      DefaultActions: [NOT_FOUND],
    }),
  );
  return present(made.Listeners?.[0]);
}

describe('certificates', () => {
  test('an HTTPS listener needs one that exists and gets the default policy', async () => {
    const { elb, endpoint } = await bench();
    const balancer = await createBalancer(elb);
    const { arn } = endpoint.state.addCertificate('us-east-1', ['*.example.com']);
    expect((await failure(createHttps(elb, balancer))).name).toBe('ValidationError');
    expect((await failure(createHttps(elb, balancer, `${arn}0`))).name).toBe('CertificateNotFoundException');
    expect(await createHttps(elb, balancer, arn)).toMatchObject({
      SslPolicy: 'ELBSecurityPolicy-2016-08',
      Certificates: [{ CertificateArn: arn }],
    });
  });

  test('further ones are added, listed beside the default and removed; the default stays', async () => {
    const { elb, endpoint } = await bench({ limits: { 'certificates-per-application-load-balancer': 1 } });
    const [one, two, three] = ['a', 'b', 'c'].map(
      (host) => endpoint.state.addCertificate('us-east-1', [`${host}.example.com`]).arn,
    );
    const ListenerArn = (await createHttps(elb, await createBalancer(elb), present(one))).ListenerArn;
    const certificates = (arn: string | undefined) => ({ ListenerArn, Certificates: [{ CertificateArn: arn }] });
    const list = async () => {
      const { Certificates } = await elb.send(new DescribeListenerCertificatesCommand({ ListenerArn }));
      return new Map(Certificates?.map((each) => [each.CertificateArn, each.IsDefault]));
    };
    await elb.send(new AddListenerCertificatesCommand(certificates(two)));
    await elb.send(new AddListenerCertificatesCommand(certificates(two)));
    expect(await list()).toEqual(
      new Map([
        [one, true],
        [two, false],
      ]),
    );
    expect((await failure(elb.send(new AddListenerCertificatesCommand(certificates(three))))).name).toBe(
      'TooManyCertificatesException',
    );
    expect((await failure(elb.send(new RemoveListenerCertificatesCommand(certificates(one))))).name).toBe(
      'OperationNotPermittedException',
    );
    await elb.send(new RemoveListenerCertificatesCommand(certificates(two)));
    expect(await list()).toEqual(new Map([[one, true]]));
  });

  test('an HTTP listener takes none', async () => {
    const { elb, endpoint } = await bench();
    const ListenerArn = await createListener(elb, await createBalancer(elb));
    const { arn } = endpoint.state.addCertificate('us-east-1', ['a.example.com']);
    const command = new AddListenerCertificatesCommand({ ListenerArn, Certificates: [{ CertificateArn: arn }] });
    expect((await failure(elb.send(command))).name).toBe('UnsupportedProtocolException');
  });

  test('are found by host, a wildcard standing for one label', async () => {
    const { endpoint } = await bench();
    const wild = endpoint.state.addCertificate('us-east-1', ['*.example.com', 'example.org']);
    expect(endpoint.state.certificatesFor('us-east-1', 'A.example.com')).toEqual([wild]);
    expect(endpoint.state.certificatesFor('us-east-1', 'example.org')).toEqual([wild]);
    for (const host of ['example.com', 'a.b.example.com', 'a.example.org'])
      expect(endpoint.state.certificatesFor('us-east-1', host)).toEqual([]);
    expect(endpoint.state.certificatesFor('eu-west-1', 'a.example.com')).toEqual([]);
  });
});
