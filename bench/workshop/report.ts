import { markdownTable } from '../bench.ts';
import { barChart } from '../chart.ts';
import { fastTable, figuresOf, liveTable, tables } from './print.ts';
import type { FastFigures, LiveFigures, WorkshopBench } from './result.ts';
import { armNames, arms, crowdNames, settings } from './shape.ts';

export function workshopSection(run: WorkshopBench): string {
  const { machine, versions } = run;
  return `## Scaling workshops

Made by \`npm run bench -- workshop --report\`.

- Run: ${run.startedAt.slice(0, 19).replace('T', ' ')} UTC, shape ${run.shape.name}, ${run.shape.seeds} worlds a case, ${run.seconds} s
- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.os}
- Versions: ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}
- Rules: virtual time, in memory

${markdownTable([
  ['goal', 'measured', ''],
  ...run.goals.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'NOT MET']),
])}

${run.live ? liveSection(run.live) : ''}### What the rules make of a crowd

Virtual time, in memory: no server is involved, so these are figures about rules, not about speed.

Every rule meets the same people, claims and failures: world n has seed n for all. Each claim takes 10 to 20 minutes, the manager makes
one in ten seconds, threshold ${settings.threshold}, factor ${settings.scaleFactor}, cap ${settings.cap}, headroom ${settings.minAvailable} free seats. A person
tries once and goes away when no seat is free; of such a rejected log-in the cluster shows nothing. Idle claim-minutes are the minutes of
claims that were ready and of which no seat was ever taken. The cap is four times the start: with a higher one the proposal goes higher.

- The **proposal** looks at each seat event and every 300 s and multiplies while seats are full; its flag goes into the main endpoint, where
  the API server drops it, so nothing holds the next look back.
- **Plain headroom** adds one claim every 10 s while fewer than ${settings.minAvailable} seats are free or coming.
- **Groundwork** runs its own decision and life of an operation, with the default intervals. One step settles before the next begins:
  that is what keeps environments from being made in vain, and its price is the log-ins that are rejected while a step settles (the
  trickle shows it). The strategy headroom acts earlier, but a step is only as large as what is missing at that moment; where people
  must not wait, give it more free seats to keep.

Rules that keep free seats write before the threshold is crossed: their time from there is that of their next write.

In the rush and the burst all rules reject the same people: whatever is asked for, nothing is ready before they have come.

![Idle claim-minutes by crowd](performance-workshop-idle.svg)
![Rejected log-ins by crowd](performance-workshop-rejected.svg)

${run.fast ? fastSection(run.fast) : ''}${tables(run)
  .map(({ title, rows }) => `${title[0]?.toUpperCase()}${title.slice(1)}. Mean (p95):\n\n${markdownTable(rows)}`)
  .join('\n\n')}
`;
}

function liveSection(live: LiveFigures): string {
  const { versions } = live.profile;
  const { title, rows } = liveTable(live);
  return `### On real servers

One worker process as production runs it, ${live.provisions} provisions of five claims and seats on the real API server, time scale 1
(${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(
      ', ',
    )}). ${live.reaction.count} of them cross the threshold one after the other: ${title.slice(title.indexOf('threshold to'))}. Two seconds
of it are the debounce, in which the changes of a provision are gathered. Idle means that nothing changes: the watches stay open, the
sweep lists everything once a minute and finds nothing to say. Log-ins and log-outs are ${live.busy.seconds} s of visits below the threshold.

${markdownTable(rows)}

![Requests to the API server by method](performance-workshop-requests.svg)

`;
}

function fastSection(fast: FastFigures): string {
  const { versions } = fast.profile;
  return `### The same on real servers, in fast motion

The real kube-apiserver with the simulated manager and crowd, ${fast.speed} simulated seconds in a real one
(${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(
      ', ',
    )}): the worlds of seed ${fast.seed} above with ten single seats, of which one claim in ten fails. Groundwork is
the worker process with its workflow; the proposal and plain headroom are plain Kubernetes clients with the same rules as in memory.
The proposal respects its flag, and the API server drops it. All rules work at the same time, each on a workshop of its own. A delay
of ${(1000 / fast.speed).toFixed(0)} ms, of network, API server or worker, is a second here: so the times from threshold to write say nothing about speed, which is
measured above at time scale 1.

${markdownTable(fastTable(fast).rows)}

A cell is the figure on real servers, and in brackets that of the same seed in memory.

![Idle claim-minutes on real servers](performance-workshop-servers.svg)

### Every case in virtual time

`;
}

function fastChart({ cases, speed, seed }: FastFigures): string {
  const crowdsPlayed = crowdNames.filter((crowd) => cases.some((one) => one.crowd === crowd));
  const figure = (crowd: (typeof crowdsPlayed)[number], arm: (typeof armNames)[number]) =>
    cases.find((one) => one.crowd === crowd && one.arm === arm)?.served.idleClaimMinutes ?? 0;
  return barChart({
    title: `Idle claim-minutes by crowd on real servers, ${speed} times as fast, seed ${seed}`,
    series: armNames.map((arm) => arms[arm].words),
    groups: crowdsPlayed.map((crowd) => ({
      label: crowd,
      values: armNames.map((arm) => Math.round(figure(crowd, arm))),
    })),
  });
}

function requestsChart({ idle, busy, provisions }: LiveFigures): string {
  const methods = [...new Set([idle, busy].flatMap(({ requestsPerMinute }) => Object.keys(requestsPerMinute)))].sort();
  return barChart({
    title: `Requests of one worker to the API server a minute, ${provisions} provisions`,
    series: ['idle', 'log-ins and log-outs'],
    groups: methods.map((method) => ({
      label: method,
      values: [idle, busy].map(({ requestsPerMinute }) => Math.round(requestsPerMinute[method] ?? 0)),
    })),
  });
}

/** Ten single seats, one claim in ten fails. */
export function charts(run: WorkshopBench): Record<string, string> {
  const chart = (what: string, figure: 'idleClaimMinutes' | 'rejected') =>
    barChart({
      title: `${what} by crowd, mean of ${run.shape.seeds} worlds (ten single seats, one claim in ten fails)`,
      series: armNames.map((arm) => arms[arm].words),
      groups: crowdNames.map((crowd) => ({
        label: crowd,
        values: armNames.map((arm) => Math.round(figuresOf(run, arm, crowd)?.[figure].mean ?? 0)),
      })),
    });
  return {
    'performance-workshop-idle.svg': chart('Idle claim-minutes', 'idleClaimMinutes'),
    'performance-workshop-rejected.svg': chart('Rejected log-ins', 'rejected'),
    ...(run.live ? { 'performance-workshop-requests.svg': requestsChart(run.live) } : {}),
    ...(run.fast ? { 'performance-workshop-servers.svg': fastChart(run.fast) } : {}),
  };
}
