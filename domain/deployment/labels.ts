import { DEPLOYMENT_ID_LABEL, SCOPE_ID_LABEL } from '../../contract/names.ts';
import type { ScopeSlugs } from '../../contract/scope/input.ts';
import { cutLabelValue } from '../scope/names.ts';
import type { DeploymentRequest } from './request.ts';

/** Labels of the objects of a scope (specs: deployment, section 5). */

/** At most 63 characters, alphanumeric at both ends: what Kubernetes takes as the value of a label. */
function labelValue(value: string): string {
  return cutLabelValue(value.replace(/^[^a-zA-Z0-9]+/, ''));
}

/** Whose an object is. Selectors of Services consist of these. */
export function identityLabels(
  slugs: ScopeSlugs,
  scopeId: string,
  ids: { account?: string; namespace?: string; application?: string },
): Record<string, string> {
  const known = (key: string, id: string | undefined) => (id === undefined ? {} : { [`${key}_id`]: labelValue(id) });
  return {
    account: labelValue(slugs.account),
    ...known('account', ids.account),
    namespace: labelValue(slugs.namespace),
    ...known('namespace', ids.namespace),
    application: labelValue(slugs.application),
    ...known('application', ids.application),
    scope: labelValue(slugs.scope),
    [SCOPE_ID_LABEL]: scopeId,
  };
}

type Labelled = Pick<DeploymentRequest, 'identity' | 'scope'>;

/** On every object. */
export function commonLabels({ identity, scope }: Labelled): Record<string, string> {
  const { slugs } = scope;
  return {
    ...identity,
    'app.kubernetes.io/managed-by': 'groundwork',
    'app.kubernetes.io/part-of': labelValue(`${slugs.namespace}-${slugs.application}`),
    'app.kubernetes.io/component': 'application',
    'app.kubernetes.io/instance': labelValue(slugs.scope),
    'app.kubernetes.io/name': labelValue(slugs.scope),
  };
}

/** On every object of one side; `name` is the object's own name, or the Deployment's for HPA and pods. */
export function sideLabels(request: Labelled & { deploymentId: string }, name: string): Record<string, string> {
  return { ...commonLabels(request), [DEPLOYMENT_ID_LABEL]: request.deploymentId, name };
}

/** `<brand>: "true"`, on pods and Ingresses. */
export function brandLabel({ scope }: Pick<Labelled, 'scope'>): Record<string, string> {
  return { [scope.brand]: 'true' };
}
