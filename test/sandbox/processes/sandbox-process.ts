// A sandbox for the tests of its processes: prints one line when it is up.
import { migrate } from '../../../migrations/migrate.ts';
import { up } from '../../../sandbox/up.ts';

const [name = ''] = process.argv.slice(2);
const sandbox = await up({
  name,
  migrate,
  environment: { GROUNDWORK_ACCOUNT_ID: '123456789012' },
});
const { etcd, apiserver } = sandbox.kubernetes.pids;
const pids = [sandbox.temporal.pid, sandbox.postgres.pid, etcd, apiserver];
process.stdout.write(`${JSON.stringify({ environment: sandbox.environment(), pids })}\n`);
