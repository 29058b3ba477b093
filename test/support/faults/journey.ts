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

/** The first journey that calls an activity is the one on which it is put under faults where once is enough. */
export function firstJourneyOf<W>(room: RoomUnderFaults<W>): { activity: string; journey: Journey<W> }[] {
  return room.activities.flatMap((activity) => {
    const journey = room.journeys.find(({ activities }) => activities.includes(activity));
    return journey ? [{ activity, journey }] : [];
  });
}
