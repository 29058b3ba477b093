import type { SimulatedClock } from '../clock.ts';

/** A token bucket: `burst` calls at once, refilled with `perSecond` tokens per simulated second. */
export interface Bucket {
  burst: number;
  perSecond: number;
}

export type BucketName = 'elbRead' | 'elbWrite' | 'elbTargets' | 'route53';

export interface Throttling extends Partial<Record<BucketName, Bucket>> {
  /** Off by default. */
  enabled: boolean;
}

/** ELBv2 buckets count per account and region, Route 53's per account. A bucket that is absent does not limit. */
export const THROTTLING_PRESETS = {
  /** Non-mutating ELBv2 calls as AWS documents them; the mutating figures are those by which the load balancer controller bounds itself; Route 53 with its classic 5/s. */
  documented: {
    enabled: true,
    elbRead: { burst: 40, perSecond: 10 },
    elbWrite: { burst: 20, perSecond: 3 },
    elbTargets: { burst: 20, perSecond: 4 },
    route53: { burst: 5, perSecond: 5 },
  },
  /** The same with the wider Route 53 bucket of newer documentation. */
  'documented-wide-dns': {
    enabled: true,
    elbRead: { burst: 40, perSecond: 10 },
    elbWrite: { burst: 20, perSecond: 3 },
    elbTargets: { burst: 20, perSecond: 4 },
    route53: { burst: 50, perSecond: 10 },
  },
  off: { enabled: false },
} as const satisfies Record<string, Throttling>;

export type ThrottlingPreset = keyof typeof THROTTLING_PRESETS;

/** The buckets of one account. */
export class Throttle {
  readonly #clock: SimulatedClock;
  readonly #levels = new Map<string, { tokens: number; at: number }>();
  #settings: Throttling;

  constructor(clock: SimulatedClock, settings: Throttling | ThrottlingPreset = 'off') {
    this.#clock = clock;
    this.#settings = typeof settings === 'string' ? THROTTLING_PRESETS[settings] : settings;
  }

  /** Replaces the settings and fills every bucket. */
  configure(settings: Throttling | ThrottlingPreset): void {
    this.#settings = typeof settings === 'string' ? THROTTLING_PRESETS[settings] : settings;
    this.#levels.clear();
  }

  /** Takes a token; false when the bucket is empty. */
  admit(name: BucketName, region: string): boolean {
    const bucket = this.#settings.enabled ? this.#settings[name] : undefined;
    if (!bucket) return true;
    const key = `${name}/${region}`;
    const now = this.#clock.now().getTime();
    const level = this.#levels.get(key) ?? { tokens: bucket.burst, at: now };
    const refilled = ((now - level.at) / this.#clock.toRealMs(1)) * bucket.perSecond;
    const tokens = Math.min(bucket.burst, level.tokens + Math.max(refilled, 0));
    this.#levels.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }
}
