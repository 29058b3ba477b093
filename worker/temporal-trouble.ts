import { isGrpcServiceError } from '@temporalio/client';
import type { Trouble } from './findings.ts';

/** What kind of trouble an error of the Temporal client is, and its words without the wrapping. */
export function temporalTrouble(error: unknown): { trouble: Trouble; message: string } {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (!isGrpcServiceError(current)) continue;
    const { code, details } = current;
    return { trouble: byCode[code] ?? 'unexpected', message: details || current.message };
  }
  return { trouble: 'unavailable', message: error instanceof Error ? error.message : String(error) };
}

/** gRPC status codes (grpc.io, "Status codes and their use in gRPC"). */
const byCode: Readonly<Record<number, Trouble>> = {
  1: 'unavailable', // CANCELLED
  4: 'unavailable', // DEADLINE_EXCEEDED
  5: 'notFound',
  7: 'forbidden', // PERMISSION_DENIED
  8: 'unavailable', // RESOURCE_EXHAUSTED
  12: 'forbidden', // UNIMPLEMENTED: the hosted service does not offer the operator's calls
  14: 'unavailable',
  16: 'forbidden', // UNAUTHENTICATED
};
