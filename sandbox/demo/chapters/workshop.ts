import type { Chapter } from '../chapter.ts';
import { breakerTrips, crowdArrives, type Ended, personWins } from './workshop/scenes.ts';

/** Chapter 4: workshops whose seats fill up. */
export function workshopChapter(): Chapter {
  const ended: Ended = [];
  return {
    title: 'Chapter 4: workshops',
    about:
      'A workshop gives each participant a seat on an environment (a claim), which takes minutes to make. One autoscaler per ' +
      'provision raises the number of environments when the seats fill up: one bounded step at a time, and a person always wins.',
    scenes: [crowdArrives(ended), personWins(ended), breakerTrips(ended)],
    table: async () => ({
      columns: ['workshop', 'count', 'seats', 'taken', 'failed claims', 'last result', 'told'],
      rows: ended.map(({ shop, sight, told }) => [
        shop.name,
        shop.counts.join(' -> '),
        String(sight.seats),
        String(sight.taken),
        String(sight.failed),
        sight.result ?? '-',
        told,
      ]),
    }),
  };
}
