import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { SearchAttributeName } from './names.ts';

/** Typed keys of the search attributes; all are keywords and none is ever encrypted. */

const keyword = (name: SearchAttributeName) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

export const scopeIdKey = keyword('ScopeId');
export const balancerNameKey = keyword('BalancerName');
export const environmentKey = keyword('Environment');
export const phaseKey = keyword('Phase');
export const workshopNameKey = keyword('WorkshopName');
export const workshopNamespaceKey = keyword('WorkshopNamespace');
export const deploymentIdKey = keyword('DeploymentId');
export const poolNameKey = keyword('PoolName');
