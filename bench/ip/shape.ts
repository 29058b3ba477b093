/** How much a run does. What it does is the same in every shape. */
export interface Shape {
  readonly name: 'full' | 'quick' | 'tiny';
  /** Live blocks in the pool, each point in a database of its own; ascending. */
  readonly occupancies: readonly number[];
  /** Rounds over all points, so that whatever slows the machine for a while slows all of them. */
  readonly rounds: number;
  /** Claims of one point in one round; as many are released after it. */
  readonly claims: number;
  /** Rows that the search algorithm reads for one point in the whole run, at most; it claims once at least. */
  readonly searchRows: number;
  readonly clients: number;
  readonly claimsPerClient: number;
  /** Live blocks of the pool that many clients share. */
  readonly sharedOccupancy: number;
  readonly denials: number;
  readonly batches: number;
}

export const shapes: Readonly<Record<Shape['name'], Shape>> = {
  full: {
    name: 'full',
    occupancies: [100, 10_000, 100_000, 1_000_000],
    rounds: 10,
    claims: 100,
    searchRows: 3_000_000,
    clients: 16,
    claimsPerClient: 100,
    sharedOccupancy: 10_000,
    denials: 500,
    batches: 10,
  },
  quick: {
    name: 'quick',
    occupancies: [100, 10_000],
    rounds: 4,
    claims: 50,
    searchRows: 100_000,
    clients: 16,
    claimsPerClient: 20,
    sharedOccupancy: 10_000,
    denials: 200,
    batches: 5,
  },
  tiny: {
    name: 'tiny',
    occupancies: [10, 1_000],
    rounds: 2,
    claims: 10,
    searchRows: 5_000,
    clients: 4,
    claimsPerClient: 5,
    sharedOccupancy: 1_000,
    denials: 10,
    batches: 2,
  },
};
