import { replays } from '../support/replay/replay.ts';

replays('scope', [
  {
    name: 'the namespace is no longer ensured before the pool is read',
    breaks: ['created', 'created-with-balancer', 'joined', 'failed-and-undone', 'cancelled'],
    from: '.ensureNamespace(',
    to: '.findScopeObjects(',
  },
  {
    name: 'records are removed after the placement',
    breaks: ['deleted', 'failed-and-undone'],
    from: '.removeDnsRecord(',
    to: '.deleteKeeper(',
  },
]);
