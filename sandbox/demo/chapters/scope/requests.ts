import type { ScopeRequest } from '../../../../starter/client.ts';
import { INTERNAL_ZONE } from '../setting.ts';

/** The requests of the scope chapter, as a platform API would send them. */

const publicScope = (application: string): ScopeRequest => ({
  scopeId: `${application}-production`,
  slugs: { account: 'acme', namespace: 'shop', application, scope: 'production' },
  environment: 'production',
  visibility: 'public',
});

/** Five at once for room for two. */
export const five: readonly ScopeRequest[] = ['orders', 'billing', 'catalog', 'search', 'accounts'].map(publicScope);

/** Sent a second time while the first is on its way. */
export const impatient: ScopeRequest = publicScope('accounts');

export const planned: ScopeRequest = publicScope('reviews');

/** Needs a new private balancer, for whose domain there is no certificate. */
export const doomed: ScopeRequest = {
  scopeId: 'payroll-production',
  slugs: { account: 'acme', namespace: 'staff', application: 'payroll', scope: 'production' },
  environment: 'production',
  visibility: 'private',
  hostedZones: { private: INTERNAL_ZONE, public: '' },
};
