import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type KubernetesPermission, kubernetesPermissions, scaleDownPermissions } from '../../worker/permissions.ts';

interface Role {
  kind: string;
  rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

test.each([
  ['worker.yaml', kubernetesPermissions],
  ['scale-down/worker.yaml', scaleDownPermissions],
])('deploy/rbac/%s grants exactly what the code uses', async (file, permissions) => {
  const text = await readFile(new URL(`../../deploy/rbac/${file}`, import.meta.url), 'utf8');
  const roles = parseAllDocuments(text).map((document) => document.toJS() as Role);
  const granted = roles
    .filter(({ kind }) => kind === 'ClusterRole')
    .flatMap(({ rules }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource, verbs: verbs.sort() }))),
    );
  const used = permissions.map((permission) => ({ ...permission, verbs: [...permission.verbs].sort() }));
  const byName = (a: KubernetesPermission, b: KubernetesPermission) => a.resource.localeCompare(b.resource);
  expect(granted.sort(byName)).toEqual(used.sort(byName));
});
