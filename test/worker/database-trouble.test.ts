import { expect, test } from 'vitest';
import { ServerTooOld } from '../../migrations/migrate.ts';
import { databaseTrouble } from '../../worker/database-trouble.ts';

const coded = (code: string) => Object.assign(new Error('no'), { code });

test.each([
  ['a server that is too old', new ServerTooOld('PostgreSQL 14 is too old'), 'conflict', 'Use PostgreSQL 15 to 18.'],
  ['a server without TLS', new Error('The server does not support SSL connections'), 'usage', 'Correct sslmode'],
  [
    'no password',
    new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
    'forbidden',
    'password',
  ],
  ['a wrong password', coded('28P01'), 'forbidden', 'Check user and password'],
  ['a database that is not there', coded('3D000'), 'notFound', 'Create the database'],
  ['a connection that breaks', coded('EPIPE'), 'unavailable', 'Start PostgreSQL'],
  ['a server that starts', coded('57P03'), 'unavailable', 'Start PostgreSQL'],
  ['nobody there', new AggregateError([coded('ECONNREFUSED')]), 'unavailable', 'Start PostgreSQL'],
  ['a statement that fails', coded('42P01'), 'unexpected', 'log of PostgreSQL'],
])('%s', (_, error, trouble, remedy) => {
  expect(databaseTrouble(error)).toMatchObject({ trouble, remedy: expect.stringContaining(remedy) });
});
