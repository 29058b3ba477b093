import { describe, expect, test } from 'vitest';
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
