import { describe, expect, test } from 'vitest';
import { forgetSandbox } from '../../sandbox/record.ts';
import { exportLines } from '../../starter/cli/operations/sandbox.ts';
import { exemptLoopback } from '../../starter/loopback.ts';

/** What a user's shell has set for other servers. */

describe('the environment of a sandbox', () => {
  const own = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: '/none', AWS_ACCESS_KEY_ID: 'sandbox' };

  test('takes out of the shell what would lead to other servers and accounts, and nothing else', () => {
    const shell = {
      TEMPORAL_API_KEY: 'k',
      TEMPORAL_ADDRESS: 'cloud:7233',
      TEMPORAL_CLI_PATH: '/t',
      AWS_PROFILE: 'prod',
      AWS_CA_BUNDLE: '/ca',
      AWS_SESSION_TOKEN: '',
      HOME: '/root',
    };
    expect(exportLines(own, shell)).toEqual([
      'unset AWS_PROFILE TEMPORAL_API_KEY',
      'export TEMPORAL_ADDRESS=127.0.0.1:1',
      'export TEMPORAL_CONFIG_FILE=/none',
      'export AWS_ACCESS_KEY_ID=sandbox',
    ]);
  });

  test("keeps the settings of a Temporal server that is the user's", () => {
    const lines = exportLines({ TEMPORAL_ADDRESS: 'cloud:7233' }, { TEMPORAL_API_KEY: 'k', AWS_PROFILE: 'prod' });
    expect(lines).toEqual(['unset AWS_PROFILE', 'export TEMPORAL_ADDRESS=cloud:7233']);
  });
});

test.each([
  [{}, undefined],
  [{ https_proxy: 'http://proxy:3128' }, '127.0.0.1,localhost'],
  [{ https_proxy: 'http://proxy:3128', no_proxy: 'corp.example' }, 'corp.example,127.0.0.1,localhost'],
  [{ grpc_proxy: 'http://proxy:3128', no_proxy: 'a', no_grpc_proxy: 'b' }, 'b,127.0.0.1,localhost'],
])('behind the proxy of %o gRPC reaches this machine', (env: Record<string, string | undefined>, expected) => {
  exemptLoopback(env);
  expect(env.no_grpc_proxy).toBe(expected);
});

describe('a shell that has the environment of a sandbox', () => {
  const told = {
    XDG_CACHE_HOME: '/cache',
    GROUNDWORK_SANDBOX: 'first',
    TEMPORAL_ADDRESS: '127.0.0.1:41234',
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: '/cache/groundwork/no-temporal.toml',
    DATABASE_URL: 'postgres://groundwork:secret@127.0.0.1:41235/groundwork?sslmode=disable',
    KUBECONFIG: '/cache/groundwork/run/first/data/kubernetes/worker.kubeconfig',
  };
  const left = (shell: Record<string, string>) => {
    const env = { ...told, ...shell };
    expect(forgetSandbox(env)).toBe('first');
    const { XDG_CACHE_HOME: _, ...others } = env;
    return others;
  };

  test('forgets its servers', () => {
    expect(left({ TEMPORAL_CLI_PATH: '/t', HOME: '/root' })).toEqual({ TEMPORAL_CLI_PATH: '/t', HOME: '/root' });
  });

  test.each([
    ['KUBECONFIG', { KUBECONFIG: '/root/.kube/config' }],
    ['GROUNDWORK_DATABASE_URL', { GROUNDWORK_DATABASE_URL: 'postgres://me@db.example.com/groundwork' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgres://me@db.example.com/127.0.0.1:1' }],
    ['TEMPORAL_ADDRESS', { TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_NAMESPACE: 'mine', TEMPORAL_API_KEY: 'k' }],
  ])('keeps a %s that its user set since', (_, own) => {
    expect(left(own)).toEqual(own);
  });

  test('of none is left alone', () => {
    const env = { KUBECONFIG: '/root/.kube/config', TEMPORAL_ADDRESS: '127.0.0.1:7233' };
    expect(forgetSandbox(env)).toBeUndefined();
    expect(Object.keys(env)).toEqual(['KUBECONFIG', 'TEMPORAL_ADDRESS']);
  });
});
