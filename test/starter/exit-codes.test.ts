import { describe, expect, test } from 'vitest';
import { deploymentFailureTypes, scopeFailureTypes, workshopFailureTypes } from '../../contract/failures.ts';
import { ipFailureTypes } from '../../contract/ip/failures.ts';
import { exitCodeOf, exitCodes, exitNames } from '../../starter/cli/exit-codes.ts';
import { exitCodeOfFindings } from '../../starter/cli/operations/doctor.ts';
import { clientErrorTypes } from '../../starter/errors.ts';
import { failed, ok, warning } from '../../worker/findings.ts';
import { cli } from './io.ts';

describe('exit codes', () => {
  test('are the documented table', () => {
    expect(exitCodes).toEqual({
      done: 0,
      unexpected: 1,
      usage: 2,
      notFound: 3,
      invalidInput: 4,
      conflict: 5,
      forbidden: 6,
      noCapacity: 7,
      unavailable: 8,
      unknown: 9,
      interrupted: 130,
    });
  });

  test('are given to every failure type, and to no other', () => {
    const types = new Set<string>([
      ...scopeFailureTypes,
      ...deploymentFailureTypes,
      ...ipFailureTypes,
      ...workshopFailureTypes,
      ...clientErrorTypes,
    ]);
    expect(Object.keys(exitNames).sort()).toEqual([...types].sort());
    expect(exitCodeOf('HostConflict')).toBe(5);
    expect(exitCodeOf('NoCapacity')).toBe(7);
    expect(exitCodeOf('OfALaterVersion')).toBe(1);
    expect(exitCodeOf('toString')).toBe(1);
  });

  test('are explained by "help exit-codes", every type with its code', async () => {
    const { code, stdout } = await cli(['help', 'exit-codes']);
    expect(code).toBe(0);
    for (const type of [...scopeFailureTypes, ...ipFailureTypes, ...clientErrorTypes]) expect(stdout).toContain(type);
    expect(stdout).toMatch(/ {2}5 {2}conflict\n.*HostConflict/);
  });

  test('of the doctor are those of the worst finding', () => {
    const fine = ok('a', 'fine');
    const look = warning('b', 'odd', 'look');
    const of = (trouble: 'notFound' | 'forbidden' | 'unavailable' | 'usage') => failed('c', trouble, 'bad', 'do');
    expect(exitCodeOfFindings([fine, look])).toBe(0);
    expect(exitCodeOfFindings([fine, of('notFound'), look])).toBe(3);
    expect(exitCodeOfFindings([of('notFound'), of('forbidden')])).toBe(6);
    expect(exitCodeOfFindings([of('forbidden'), of('unavailable')])).toBe(8);
    expect(exitCodeOfFindings([of('unavailable'), of('usage')])).toBe(2);
  });
});
