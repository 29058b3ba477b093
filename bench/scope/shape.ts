/** How much a run does. What it does is the same in every shape. */
export interface Shape {
  readonly name: 'full' | 'quick' | 'tiny';
  /** Creations at once, and balancers in the pool, of the table of calls. */
  readonly creations: readonly number[];
  readonly balancers: readonly number[];
  /** The part of the table that is repeated with one hosted zone, and with DNS that takes its time. */
  readonly variantBalancers: number;
  readonly variantCreations: readonly number[];
  readonly warmUp: number;
  /** Creations one after the other, with and without an observation that is fresh. */
  readonly singles: number;
  /** Creations at once through one worker. */
  readonly burst: number;
  /** Creations that arrive at half the throughput of the burst. */
  readonly arrivals: number;
  /** Creations at once on a full pool, and how many of them one new balancer takes. */
  readonly fullPool: number;
  readonly perNewBalancer: number;
  /** Real seconds per simulated second where AWS takes its time. Processing is never scaled. */
  readonly timeScale: number;
}

export const shapes: Readonly<Record<Shape['name'], Shape>> = {
  full: {
    name: 'full',
    creations: [1, 10, 50],
    balancers: [1, 5, 20],
    variantBalancers: 5,
    variantCreations: [1, 10, 50],
    warmUp: 10,
    singles: 30,
    burst: 200,
    arrivals: 100,
    fullPool: 50,
    perNewBalancer: 10,
    timeScale: 0.1,
  },
  quick: {
    name: 'quick',
    creations: [1, 10],
    balancers: [1, 5],
    variantBalancers: 5,
    variantCreations: [10],
    warmUp: 3,
    singles: 5,
    burst: 20,
    arrivals: 8,
    fullPool: 6,
    perNewBalancer: 3,
    timeScale: 0.02,
  },
  tiny: {
    name: 'tiny',
    creations: [1, 3],
    balancers: [1, 2],
    variantBalancers: 2,
    variantCreations: [2],
    warmUp: 1,
    singles: 2,
    burst: 5,
    arrivals: 3,
    fullPool: 4,
    perNewBalancer: 2,
    timeScale: 0.01,
  },
};
