import type { Around } from '../around.ts';

/** What the tests of faults need to know of a room. Each room describes itself once, in `test/faults/<room>/room.ts`. */

/** A whole use of the room from rest to rest, whose end is checked against what must be there. */
export interface Journey<W> {
  /** Reads after "a scope that is ...", for one. */
  name: string;
  /** Goes through it; throws when AWS, cluster or tables are not as they must be. May be gone any number of times in one world. */
  go: (world: W) => Promise<void>;
  /** The activities that it calls when nothing goes wrong. */
  activities: readonly string[];
  /** Of those that it calls several times, the calls that are boundaries of their own, from 1; default the first. */
  calls?: Readonly<Record<string, readonly number[]>>;
}

export interface RoomUnderFaults<W> {
  /** Name of the room's folder. */
  room: string;
  /** "a scope that is": stands before the name of a journey. */
  subject: string;
  /** Names of all activities of the room, taken from the code, so that a new one cannot be forgotten. */
  activities: readonly string[];
  /** Together they call every activity. */
  journeys: readonly Journey<W>[];
}

/** A world whose activities can be surrounded. */
export interface Surrounded {
  around: Around | undefined;
}

/** The n-th call of an activity on a journey, from 1. */
export interface Boundary<W> {
  activity: string;
  call: number;
  journey: Journey<W>;
}

/** Every call that a journey names; of an activity that none names the first call on the first journey that has it. */
export function boundariesOf<W>(room: RoomUnderFaults<W>): Boundary<W>[] {
  return room.activities.flatMap((activity) => {
    const named = room.journeys.flatMap((journey) =>
      (journey.calls?.[activity] ?? []).map((call) => ({ activity, call, journey })),
    );
    const journey = room.journeys.find(({ activities }) => activities.includes(activity));
    return named.length > 0 || !journey ? named : [{ activity, call: 1, journey }];
  });
}

/** "the 2nd routeTraffic", where it matters which. */
export function sayBoundary<W>({ activity, call, journey }: Boundary<W>): string {
  return journey.calls?.[activity] === undefined ? activity : `${activity} #${call}`;
}
