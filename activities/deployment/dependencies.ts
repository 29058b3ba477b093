import type { DeploymentSettings } from '../../domain/deployment/settings.ts';
import type { ScopeDependencies } from '../scope/dependencies.ts';

/** What the activities of the deployment room work with; the worker makes it once. */
export interface DeploymentDependencies extends Omit<ScopeDependencies, 'settings'> {
  settings: DeploymentSettings;
}

/** The same for what the scope room lends: shared observations, the ledger, aliases. */
export function asScope(deps: DeploymentDependencies): ScopeDependencies {
  return { ...deps, settings: deps.settings.scope };
}
