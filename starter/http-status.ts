import { ipFailures } from '../contract/ip/failures.ts';
import { type ExitName, exitNames } from './cli/exit-codes.ts';

/** HTTP statuses of failures: those of the IP room are its contract, all others follow from the class of their exit code. */

const byClass: Readonly<Partial<Record<ExitName, number>>> = {
  invalidInput: 422,
  notFound: 404,
  conflict: 409,
  forbidden: 403,
  noCapacity: 507,
  unavailable: 503,
  unknown: 504,
};

export function httpStatusOf(type: string): number {
  if (Object.hasOwn(ipFailures, type)) return ipFailures[type as keyof typeof ipFailures].http;
  const name = Object.hasOwn(exitNames, type) ? exitNames[type as keyof typeof exitNames] : undefined;
  return (name && byClass[name]) ?? 500;
}
