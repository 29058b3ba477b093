import { AddTagsCommand, RemoveTagsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { SimulatedClock } from '../../../clock.ts';
import { call, type Elb, readTags } from './aws.ts';

export type Tags = Record<string, string>;

/** For how many simulated seconds the controller believes the tags that it has read. */
const CACHE_SECONDS = 20 * 60;

/** The tags of resources as the controller sees them: read through a cache, so a tag changed by another hand is noticed late. */
export class TagStore {
  readonly #elb: Elb;
  readonly #clock: SimulatedClock;
  readonly #cache = new Map<string, { tags: Tags; until: number }>();

  constructor(elb: Elb, clock: SimulatedClock) {
    this.#elb = elb;
    this.#clock = clock;
  }

  /** The tags by ARN; resources that no longer exist are missing. */
  async of(arns: readonly string[]): Promise<Map<string, Tags>> {
    const now = this.#clock.now().getTime();
    for (const [arn, { until }] of this.#cache) if (until <= now) this.#cache.delete(arn);
    const unknown = arns.filter((arn) => !this.#cache.has(arn));
    const until = now + this.#clock.toRealMs(CACHE_SECONDS);
    for (const [arn, tags] of await readTags(this.#elb, unknown)) this.#cache.set(arn, { tags, until });
    const found = new Map<string, Tags>();
    for (const arn of arns) {
      const known = this.#cache.get(arn);
      if (known) found.set(arn, known.tags);
    }
    return found;
  }

  /** Makes the tags of one resource exactly the wanted ones: others are removed. */
  async reconcile(arn: string, wanted: Tags): Promise<void> {
    const actual = (await this.of([arn])).get(arn);
    if (!actual) return;
    const added = Object.entries(wanted).filter(([key, value]) => actual[key] !== value);
    const removed = Object.keys(actual).filter((key) => wanted[key] === undefined);
    if (added.length === 0 && removed.length === 0) return;
    this.#cache.delete(arn);
    if (added.length > 0) {
      const Tags = tagList(Object.fromEntries(added));
      await call('AddTags', () => this.#elb.send(new AddTagsCommand({ ResourceArns: [arn], Tags })));
    }
    if (removed.length > 0) {
      await call('RemoveTags', () => this.#elb.send(new RemoveTagsCommand({ ResourceArns: [arn], TagKeys: removed })));
    }
  }

  /** Forgets everything, as a restart does. */
  forget(): void {
    this.#cache.clear();
  }
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
