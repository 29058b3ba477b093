/** The closed list of failure types of the IP room, each with its HTTP status and reasons (specs: IP claims, section 5.3). */
export const ipFailures = {
  InvalidInput: {
    http: 422,
    reasons: ['Schema', 'FamilyMismatch', 'ImmutableField', 'MutuallyExclusive', 'NotAClaim'],
  },
  OutOfBounds: { http: 422, reasons: ['PrefixLength', 'OutsidePool'] },
  Forbidden: { http: 403, reasons: ['NotPermitted'] },
  NotFound: { http: 404, reasons: ['PoolNotFound', 'NoPoolMatch', 'ClaimNotFound', 'LeaseExpired'] },
  ClaimConflict: {
    http: 409,
    reasons: ['SpecDiffers', 'RetainedMismatch', 'AddressTaken', 'AddressReserved', 'PartialBatch', 'StaleRequest'],
  },
  PoolConflict: { http: 409, reasons: ['SpecDiffers'] },
  PoolInUse: { http: 409, reasons: ['NotEmpty'] },
  PoolOverlap: { http: 409, reasons: ['Overlap'] },
  PoolExhausted: { http: 507, reasons: ['NoFreeBlock', 'WaitEnded'] },
  /**
   * The only one that passes by itself: the same may be asked for again after `details.retryAfterSeconds`, but under a new request
   * id, because an id tells its first outcome again, whatever that was.
   */
  Busy: { http: 503, reasons: ['Lock', 'Database', 'Contention'] },
  /** A bug: an alarm, with nothing a caller could do. */
  Internal: { http: 500, reasons: ['Drift', 'Constraint'] },
} as const;

export type IpFailureType = keyof typeof ipFailures;

export const ipFailureTypes = Object.keys(ipFailures) as IpFailureType[];

export type IpFailureReason<Type extends IpFailureType = IpFailureType> = (typeof ipFailures)[Type]['reasons'][number];

/** What to do after `Busy`, for people. */
export const ASK_AGAIN = 'Ask again in a second; where a request id is given, with a new one.';
