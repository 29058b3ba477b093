/** When the people of a crowd come and go, in simulated seconds from the start: seeded, so repeatable. */

export type Arrivals =
  /** One every so many seconds. */
  | { kind: 'steady'; everySeconds: number; forSeconds: number }
  /** The same on average, at random moments. */
  | { kind: 'poisson'; everySeconds: number; forSeconds: number }
  | { kind: 'burst'; people: number }
  /** Several crowds, each so many seconds after the start. */
  | { kind: 'waves'; waves: { at: number; arrivals: Arrivals }[] };

export interface CrowdPlan {
  arrivals: Arrivals;
  /** How long a person stays, in seconds; absent: to the end. */
  stay?: readonly [number, number];
}

export interface Visit {
  person: string;
  at: number;
  leavesAt?: number;
}

/** Visits in the order of their arrival. */
export function visitsOf({ arrivals, stay }: CrowdPlan, random: () => number): Visit[] {
  return moments(arrivals, random)
    .sort((a, b) => a - b)
    .map((at, index) => ({
      person: `person-${index + 1}@example.com`,
      at,
      ...(stay ? { leavesAt: at + stay[0] + (stay[1] - stay[0]) * random() } : {}),
    }));
}

function moments(arrivals: Arrivals, random: () => number): number[] {
  switch (arrivals.kind) {
    case 'steady':
      return Array.from(
        { length: Math.floor(arrivals.forSeconds / arrivals.everySeconds) },
        (_, index) => (index + 1) * arrivals.everySeconds,
      );
    case 'poisson': {
      const found: number[] = [];
      const gap = () => -Math.log(1 - random()) * arrivals.everySeconds;
      for (let at = gap(); at <= arrivals.forSeconds; at += gap()) found.push(at);
      return found;
    }
    case 'burst':
      return Array.from({ length: arrivals.people }, () => 0);
    case 'waves':
      return arrivals.waves.flatMap((wave) => moments(wave.arrivals, random).map((at) => wave.at + at));
  }
}
