/** What the IP room takes from the worker's configuration. */
export interface IpSettings {
  /** Cool-down of pools that name none, in seconds. */
  cooldownSeconds: number;
  /** Seconds a run that was started for an update waits for it. */
  abandonAfterSeconds: number;
  /** Seconds for which a database that is away or locked is asked again before a caller hears `Busy`. */
  patienceSeconds: number;
  wait: WaitTimings;
  /** Days for which refusals are kept in the log of events. */
  refusedEventDays: number;
  /** Days for which all other events are kept; undefined: for ever. */
  eventDays: number | undefined;
}

/** Pauses between the tries of a claim that waits for capacity: the first, each longer by `factor`, none above the most. */
export interface WaitTimings {
  firstSeconds: number;
  factor: number;
  mostSeconds: number;
}
