import { AuthorizationV1Api, CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { KubernetesPermission } from '../../worker/permissions.ts';
import { eventually } from './inspect.ts';
import { testNamespace, testServers } from './servers.ts';

/** Somebody whom the Kubernetes API knows by a token of its own, with exactly the permissions that a test grants. */
export interface ServiceAccount {
  readonly token: string;
  /** Replaces what it may do, and returns when the API server goes by it. */
  grant(permissions: readonly KubernetesPermission[]): Promise<void>;
}

export async function makeServiceAccount(): Promise<ServiceAccount> {
  const admin = new KubeConfig();
  admin.loadFromFile(testServers().kubernetes.kubeconfig.admin);
  const core = admin.makeApiClient(CoreV1Api);
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  const authorization = admin.makeApiClient(AuthorizationV1Api);
  const namespace = await testNamespace('account');
  const name = 'worker';
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  const { status } = await core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  const role = { metadata: { name: namespace }, rules: [] };
  await rbac.createClusterRole({ body: role });
  await rbac.createClusterRoleBinding({
    body: {
      metadata: { name: namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: namespace },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });

  let granted: readonly KubernetesPermission[] = [];
  const allows = async (group: string, resource: string, verb: string): Promise<boolean> => {
    const user = `system:serviceaccount:${namespace}:${name}`;
    const spec = { user, resourceAttributes: { group, resource, verb, namespace: 'any' } };
    return (await authorization.createSubjectAccessReview({ body: { spec } })).status?.allowed === true;
  };
  const has = (list: readonly KubernetesPermission[], group: string, resource: string, verb: string) =>
    list.some((one) => one.group === group && one.resource === resource && one.verbs.includes(verb));

  return {
    token: status?.token ?? '',
    grant: async (permissions) => {
      const some = permissions.filter(({ verbs }) => verbs.length > 0);
      const rules = some.map(({ group, resource, verbs }) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: [...verbs],
      }));
      await rbac.replaceClusterRole({ name: namespace, body: { ...role, rules } });
      const changed = [...granted, ...permissions].flatMap(({ group, resource, verbs }) =>
        verbs
          .filter((verb) => has(granted, group, resource, verb) !== has(permissions, group, resource, verb))
          .map((verb) => [group, resource, verb] as const),
      );
      granted = permissions;
      await eventually(async () => {
        for (const [group, resource, verb] of changed) {
          const expected = has(permissions, group, resource, verb);
          if ((await allows(group, resource, verb)) !== expected)
            throw new Error(`${verb} ${resource} is not ${expected} yet`);
        }
      });
    },
  };
}
