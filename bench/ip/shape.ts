/** How much a run does. What it does is the same in every shape. */
export interface Shape {
  readonly name: 'full' | 'quick' | 'tiny';
  /** Live blocks in the pool, each point in a database of its own; ascending. */
  readonly occupancies: readonly number[];
  /** Other ways to hold as many blocks as the last of these, each in a database of its own too. */
  readonly layouts: readonly Layout[];
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
  readonly arms: ArmsShape;
  readonly load: LoadShape;
}

/** All in one pool with strategy `Sparse`, or evenly in child pools of one network, a power of two of them. */
export type Layout = { readonly live: number } & ({ readonly sparse: true } | { readonly children: number });

export interface ArmsShape {
  /** Callers at once, beside one. */
  readonly clients: number;
  /** Live blocks of the pool. */
  readonly live: number;
  readonly rounds: number;
  /** Claims of one caller in one round. */
  readonly claims: number;
}

/** The load of the specification (section 7) in less time: its own lasts minutes for each shape. */
export interface LoadShape {
  /** Callers that claim and release at once, and seconds for each number. */
  readonly clients: readonly number[];
  readonly seconds: number;
  /** Live blocks of pools that were filled before, each claimed from and released to for as long. */
  readonly prefilled: readonly number[];
  readonly denyingClients: number;
  readonly readingClients: number;
  /** Claims a second, whatever becomes of the earlier ones, and how long. */
  readonly arrivals: readonly number[];
  readonly arrivalSeconds: number;
  /** Claims at one instant. */
  readonly burst: number;
  /** A pool that is drained address by address, and how often that is tried. */
  readonly drain: { readonly cidr: string; readonly tries: number };
  /** Claims of each length in the test of depth, at most. */
  readonly depth: number;
}

export const shapes: Readonly<Record<Shape['name'], Shape>> = {
  full: {
    name: 'full',
    occupancies: [100, 10_000, 100_000, 1_000_000],
    layouts: [
      { live: 1_000_000, sparse: true },
      { live: 1_000_192, children: 256 },
    ],
    rounds: 10,
    claims: 100,
    searchRows: 3_000_000,
    clients: 16,
    claimsPerClient: 100,
    sharedOccupancy: 10_000,
    denials: 500,
    batches: 10,
    arms: { clients: 10, live: 1_000, rounds: 5, claims: 8 },
    load: {
      clients: [10, 50, 100],
      seconds: 5,
      prefilled: [100, 10_000, 100_000],
      denyingClients: 20,
      readingClients: 20,
      arrivals: [10, 50, 100, 200],
      arrivalSeconds: 3,
      burst: 50,
      drain: { cidr: '10.60.0.0/24', tries: 272 },
      depth: 256,
    },
  },
  quick: {
    name: 'quick',
    occupancies: [100, 10_000],
    layouts: [
      { live: 10_000, sparse: true },
      { live: 10_240, children: 16 },
    ],
    rounds: 4,
    claims: 50,
    searchRows: 100_000,
    clients: 16,
    claimsPerClient: 20,
    sharedOccupancy: 10_000,
    denials: 200,
    batches: 5,
    arms: { clients: 10, live: 1_000, rounds: 2, claims: 10 },
    load: {
      clients: [10, 100],
      seconds: 3,
      prefilled: [100, 10_000],
      denyingClients: 20,
      readingClients: 20,
      arrivals: [10, 50],
      arrivalSeconds: 2,
      burst: 50,
      drain: { cidr: '10.60.0.0/26', tries: 68 },
      depth: 32,
    },
  },
  tiny: {
    name: 'tiny',
    occupancies: [10, 1_000],
    layouts: [
      { live: 1_000, sparse: true },
      { live: 1_000, children: 4 },
    ],
    rounds: 2,
    claims: 10,
    searchRows: 5_000,
    clients: 4,
    claimsPerClient: 5,
    sharedOccupancy: 1_000,
    denials: 10,
    batches: 2,
    arms: { clients: 2, live: 100, rounds: 1, claims: 2 },
    load: {
      clients: [4],
      seconds: 0.5,
      prefilled: [100],
      denyingClients: 2,
      readingClients: 2,
      arrivals: [10],
      arrivalSeconds: 0.5,
      burst: 10,
      drain: { cidr: '10.60.0.0/29', tries: 10 },
      depth: 4,
    },
  },
};
