/** Settings of a worker whose workshops live at a sandbox's time scale (real seconds per simulated second). */
export function workshopTimingsAt(timeScale: number): Record<string, string> {
  const seconds = (simulated: number) => String(Number((simulated * timeScale).toPrecision(3)));
  return {
    GROUNDWORK_WORKSHOP_DEBOUNCE: seconds(2),
    GROUNDWORK_WORKSHOP_POLL_FIRST: seconds(15),
    GROUNDWORK_WORKSHOP_POLL_MAX: seconds(60),
    GROUNDWORK_WORKSHOP_BACKOFF_FIRST: seconds(300),
    GROUNDWORK_WORKSHOP_BACKOFF_MAX: seconds(1800),
    GROUNDWORK_WORKSHOP_CONFLICT_BACKOFF: seconds(60),
    GROUNDWORK_WORKSHOP_ERROR_BACKOFF: seconds(60),
    GROUNDWORK_WORKSHOP_STATUS_INTERVAL: seconds(60),
    // Watchers do the work; more sweeps would only fill the list of runs.
    GROUNDWORK_WORKSHOP_SWEEP_INTERVAL: String(Math.max(10, 60 * timeScale)),
    GROUNDWORK_WORKSHOP_EXPECTED_PROVISIONING: seconds(1800),
    GROUNDWORK_WORKSHOP_SECONDS_SCALE: seconds(1),
  };
}
