import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examineDatabase } from '../../worker/doctor/database.ts';
import type { Finding } from '../../worker/findings.ts';
import { testDatabase, uniqueName } from '../support/servers.ts';

/** What the doctor says of the rights of the user that the worker connects as. */

const database = testDatabase();
let owner: pg.Client;
let role: string;

beforeAll(async () => {
  owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  role = uniqueName('reader').replaceAll('-', '_');
  await owner.query(`create role ${role}`);
  await owner.query(`grant select on all tables in schema public to ${role}`);
});
afterAll(async () => {
  await owner.query(`drop owned by ${role}`);
  await owner.query(`drop role ${role}`);
  await owner.end();
});

async function rightsAs(user: string | undefined): Promise<Finding | undefined> {
  const url = new URL(database.url);
  if (user !== undefined) url.searchParams.set('options', `-c role=${user}`);
  const findings: Finding[] = [];
  for await (const finding of examineDatabase(url.href, 1)) findings.push(finding);
  return findings.find(({ subject }) => subject === 'PostgreSQL rights');
}

test('the owner of the tables may use everything', async () => {
  expect(await rightsAs(undefined)).toMatchObject({ state: 'ok' });
});

test('one of the rights on a table is not all of them; tables of the allocator need only be read', async () => {
  const finding = await rightsAs(role);
  expect(finding).toMatchObject({ state: 'failed', trouble: 'forbidden' });
  expect(finding?.message).toMatch(/\bplacement\b/);
  expect(finding?.message).toMatch(/\bipam_claim\(\)/);
  expect(finding?.message).not.toMatch(/\bipam_alloc\b/);
});

test('a function that may not be called is named, whichever it is', async () => {
  await owner.query(`grant insert, update, delete on all tables in schema public to ${role}`);
  await owner.query(`grant execute on all functions in schema public to ${role}`);
  expect(await rightsAs(role)).toMatchObject({ state: 'ok' });
  await owner.query(`revoke execute on function ipam_verify from ${role}`);
  expect((await rightsAs(role))?.message).toMatch(/not all of ipam_verify\(\) may be used/);
});
