import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { rolloutMessageNames } from '../../contract/deployment/messages.ts';
import { deploymentPhases } from '../../contract/deployment/status.ts';
import { attemptFailureTypes, deploymentFailureTypes, scopeFailureTypes } from '../../contract/failures.ts';
import { searchAttributeNames } from '../../contract/names.ts';
import { scopePhases } from '../../contract/scope/status.ts';
import { autoscalerPhases, decisionReasons } from '../../contract/workshop/status.ts';
import { exitCodeOf } from '../../starter/cli/exit-codes.ts';
import { configurationPage } from '../../tools/configuration-docs.ts';
import { settings } from '../../worker/configuration.ts';
import { kubernetesPermissions, unprovableAwsActions } from '../../worker/permissions.ts';
import { environmentName } from '../../worker/settings.ts';

/** What the documentation repeats is compared with the code. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const filesBelow = (folder: string, ending: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')];

/** Cells of the table rows below the header that begins with `head`, up to the end of the table. */
function table(page: string, head: string): string[][] {
  const lines = read(page).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (start === -1) throw new Error(`${page} has no table that begins with "${head}"`);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end === -1 ? undefined : end).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const names = (rows: readonly string[][]) => rows.map(([first = '']) => first.replaceAll('`', ''));

/** Every distinct first group of `pattern` in the sources below the folders, sorted. */
function inSources(pattern: RegExp, ...folders: string[]): string[] {
  const found = folders
    .flatMap((folder) => filesBelow(folder, '.ts'))
    .flatMap((file) => [...read(file).matchAll(pattern)].map(([, name = '']) => name));
  return [...new Set(found)].sort();
}

/** Codes of the warnings that one room gives. */
function warningsOf(room: string): string[] {
  const folders = ['domain', 'workflows', 'activities'].map((floor) => `${floor}/${room}`);
  return inSources(/\bcode: '([A-Z][A-Za-z]+)'/g, ...folders);
}

describe('docs/operations/scopes.md', () => {
  const PAGE = 'docs/operations/scopes.md';

  test('has a row for every failure type, in their order, with its exit code', () => {
    const rows = table(PAGE, 'type | what happened | what to do | exit code');
    expect(names(rows)).toEqual(scopeFailureTypes);
    expect(rows.map(([type = '', , , code]) => [type, Number(code)])).toEqual(
      scopeFailureTypes.map((type) => [`\`${type}\``, exitCodeOf(type)]),
    );
  });

  test('has a row for every type of a retried attempt', () => {
    expect(names(table(PAGE, 'type | meaning'))).toEqual(attemptFailureTypes);
  });

  test('has a row for every warning that the code gives', () => {
    const given = warningsOf('scope');
    expect(given.length).toBeGreaterThan(5);
    expect(names(table(PAGE, 'code | meaning')).sort()).toEqual(given);
  });

  test('names every phase', () => {
    const documented = names(table(PAGE, 'phase | the run')).flatMap((cell) => cell.split(', '));
    expect(documented.sort()).toEqual([...scopePhases].sort());
  });
});

describe('docs/operations/workshops.md', () => {
  const PAGE = 'docs/operations/workshops.md';

  test('has a row for every reason of a decision, in the order of the checks', () => {
    expect(names(table(PAGE, 'reason | why nothing is done'))).toEqual(decisionReasons);
  });

  test('has a row for every phase', () => {
    expect(names(table(PAGE, 'phase | the run'))).toEqual(autoscalerPhases);
  });

  test('has a row for every field of the configuration, with its default', () => {
    const definition = parse(read('deploy/crds/workshops.yaml')) as {
      spec: { versions: { schema: { openAPIV3Schema: SchemaNode } }[] };
    };
    const { properties: spec = {} } = definition.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {};
    const plain = (value: unknown) => (value === undefined || typeof value === 'object' ? '' : String(value));
    expect(table(PAGE, 'field | default').map(([field, fallback]) => [field, fallback])).toEqual(
      Object.entries(spec.autoScaling?.properties ?? {}).map(([field, node]) => [`\`${field}\``, plain(node.default)]),
    );
  });
});

interface SchemaNode {
  default?: unknown;
  properties?: Record<string, SchemaNode>;
}

describe('docs/operations/deployments.md', () => {
  const PAGE = 'docs/operations/deployments.md';

  test('has a row for every failure type, in their order', () => {
    expect(names(table(PAGE, 'type | what happened | what to do'))).toEqual(deploymentFailureTypes);
  });

  test('has a row for every warning that the code gives', () => {
    expect(names(table(PAGE, 'code | meaning')).sort()).toEqual(warningsOf('deployment'));
  });

  test('names every phase and every message', () => {
    const phases = names(table(PAGE, 'phase | the run')).flatMap((cell) => cell.split(', '));
    expect(phases.sort()).toEqual([...deploymentPhases].sort());
    const messages = names(table(PAGE, 'message | when | what it does')).flatMap((cell) => cell.split(', '));
    expect(messages.map((cell) => cell.split(' ')[0]).sort()).toEqual([...rolloutMessageNames].sort());
  });
});

describe('docs/operations/configuration.md', () => {
  test('is what tools/configuration-docs.ts makes of the settings', () => {
    expect(read('docs/operations/configuration.md')).toBe(configurationPage());
  });
});

describe('docs/operations/permissions.md', () => {
  const PAGE = 'docs/operations/permissions.md';

  test('grants exactly the AWS actions that the activities use', () => {
    const [, json = ''] = /```json\n([\s\S]+?)```/.exec(read(PAGE)) ?? [];
    const policy = JSON.parse(json) as { Statement: { Sid: string; Action: string | string[] }[] };
    const used = inSources(/'((?:elasticloadbalancing|route53):\w+)'/g, 'activities');
    expect(policy.Statement.flatMap(({ Action }) => Action).sort()).toEqual(used);
    expect(used).toEqual(expect.arrayContaining([...unprovableAwsActions]));
    expect(names(table(PAGE, 'statement | what for'))).toEqual(policy.Statement.map(({ Sid }) => Sid));
  });

  test('lists exactly the Kubernetes permissions of the worker', () => {
    const rows = table(PAGE, 'group | resource | verbs | what for');
    const documented = rows.map(([group, resource, verbs]) => `${group} ${resource} ${verbs}`);
    const granted = kubernetesPermissions.map(
      ({ group, resource, verbs }) => `${group || 'core'} ${resource} ${verbs.join(', ')}`,
    );
    expect(documented.sort()).toEqual(granted.sort());
  });
});

test('docs/operations/setup-and-doctor.md names every search attribute', () => {
  const page = read('docs/operations/setup-and-doctor.md');
  expect(searchAttributeNames.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("docs/operations/worker.md has every metric of the worker's own, as /metrics names it", () => {
  const makers = /create(Counter|Gauge|Histogram)\(\s*'([^']+)',(?:\s*'(?:int|float)',)?\s*(?:undefined|'([^']*)')/g;
  const published = [...read('activities/metrics.ts').matchAll(makers)].map(([, kind, name, unit]) =>
    kind === 'Counter' ? `${name}_total` : unit === undefined ? name : `${name}_${unit}`,
  );
  const documented = names(table('docs/operations/worker.md', 'metric | labels | meaning'));
  expect(documented.map((cell) => cell.split(' ')[0]).sort()).toEqual(published.sort());
});

describe.each(pages)('%s', (page) => {
  const text = read(page);

  test('links only to what exists', () => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const own = targets.filter((target) => !/^(https?:|#)/.test(target)).map((target) => target.replace(/#.*$/, ''));
    expect(own.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  test('names only files and folders that exist', () => {
    const folders = 'contract|domain|workflows|activities|migrations|worker|starter|sandbox|test|tools|deploy|docs';
    const paths = [...text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*)\``, 'g'))].map(([, path = '']) => path);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('names only scripts and settings that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(run.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const known = new Set(Object.keys(settings).map(environmentName));
    const elsewhere = /^GROUNDWORK_(SANDBOX|CACHE|CLI|CONFIG_FILE)/;
    const named = [...text.matchAll(/\bGROUNDWORK_[A-Z0-9_]*[A-Z0-9]/g)].map(([name]) => name);
    expect(named.filter((name) => !known.has(name) && !elsewhere.test(name))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  const decisions = readdirSync(join(ROOT, 'docs/decisions')).filter((name) => name !== 'README.md');

  test.each(decisions)('%s has a date, a context, a decision and consequences, and is listed', (name) => {
    expect(name).toMatch(/^\d{4}-\d\d-\d\d-[a-z0-9-]+\.md$/);
    const headings = [...read(`docs/decisions/${name}`).matchAll(/^#+ .+$/gm)].map(([heading]) => heading);
    expect(headings.slice(1)).toEqual(['## Context', '## Decision', '## Consequences']);
    expect(read(`docs/decisions/${name}`)).toContain(`Date: ${name.slice(0, 10)}.`);
    expect(read('docs/decisions/README.md')).toContain(`](${name})`);
  });
});
