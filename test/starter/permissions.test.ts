import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kubernetesPermissions } from '../../worker/permissions.ts';

interface Role {
  kind: string;
  rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

test('deploy/rbac grants exactly what the doctor checks', async () => {
  const text = await readFile(new URL('../../deploy/rbac/worker.yaml', import.meta.url), 'utf8');
  const roles = parseAllDocuments(text).map((document) => document.toJS() as Role);
  const granted = roles
    .filter(({ kind }) => kind === 'ClusterRole')
    .flatMap(({ rules }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource, verbs: verbs.sort() }))),
    );
  const checked = kubernetesPermissions.map((permission) => ({ ...permission, verbs: [...permission.verbs].sort() }));
  const byName = (a: { resource: string }, b: { resource: string }) => a.resource.localeCompare(b.resource);
  expect(granted.sort(byName)).toEqual(checked.sort(byName));
});
