/** What happens around one call of an activity: `run` has the effect, the returned value is the answer. */
export type Around = (name: string, run: () => Promise<unknown>) => Promise<unknown>;

/** The rooms among a worker's dependencies. */
const ROOMS = ['scopes', 'deployments', 'ip', 'workshops'] as const;

type Rooms = Partial<Record<(typeof ROOMS)[number], object>>;

/** The same dependencies with `around` around each call of each room's activities. */
export function surrounded<D extends Rooms>(dependencies: D, around: Around): D {
  const rooms = ROOMS.map((room) => [room, wrapped(dependencies[room] ?? {}, around)]);
  return { ...dependencies, ...Object.fromEntries(rooms) };
}

/** The same activities with `around` around each call. */
export function wrapped<A extends object>(activities: A, around: Around): A {
  const entries = Object.entries(activities).map(([name, run]: [string, (input: unknown) => Promise<unknown>]) => [
    name,
    (input: unknown) => around(name, () => run(input)),
  ]);
  return Object.fromEntries(entries) as A;
}
