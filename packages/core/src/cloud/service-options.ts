import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';

/** Settings that every service with a limited number of connections has. */
export const socketOptions = {
  MAX_SOCKETS: {
    kind: 'integer',
    default: '50',
    min: 1,
    description: 'Connections that are open at a time; further requests wait for one.',
  },
} as const;

const timeoutOption = {
  REQUEST_TIMEOUT: {
    kind: 'seconds',
    default: '10',
    min: 0,
    description: 'Longest time in seconds for connecting, and for silence during a request. 0 = no limit.',
  },
} as const;

/** Settings of the connections of services whose SDK knows one time-out. */
export const connectionOptions: typeof socketOptions & typeof timeoutOption = { ...socketOptions, ...timeoutOption };

type BucketListOption = {
  readonly kind: 'list';
  readonly default: '';
  readonly imgproxy: true;
  readonly description: string;
};

/** Settings that say which buckets may be sources. */
export type BucketListOptions = { readonly [name in 'ALLOWED_BUCKETS' | 'DENIED_BUCKETS']: BucketListOption };

/** @param Buckets what the service calls them, at the beginning of a sentence. */
export function bucketListOptions(Buckets: 'Buckets' | 'Containers'): BucketListOptions {
  const list = { kind: 'list', default: '', imgproxy: true } as const;
  return {
    ALLOWED_BUCKETS: {
      ...list,
      description: `${Buckets} that sources may name. Blank allows all that the credentials can read.`,
    },
    DENIED_BUCKETS: { ...list, description: `${Buckets} that sources may not name, even if they are allowed as well.` },
  };
}

/** Tells what is wrong with a setting: its name without the prefix, and the end of a sentence about it. */
export type Complain = (name: string, sentence: string) => void;

/**
 * Looks into settings for what only they together show.
 *
 * @param prefix of their variables: `TINTYPE_CACHE_S3_`.
 * @throws SettingsError with every complaint, if there are some.
 */
export function checkOptions<T>(prefix: string, look: (complain: Complain) => T): T {
  const problems: SettingsProblem[] = [];
  const result = look((name, sentence) => {
    const variable = prefix + name;
    problems.push({ variable, message: `${variable} ${sentence}` });
  });
  if (problems.length > 0) throw new SettingsError(problems);
  return result;
}

/**
 * A time-out of a service in seconds, bounded by the time for a whole download: that is what the
 * proxy promises. 0 = no limit.
 */
export function boundedTimeout(seconds: number, downloadTimeout: number): number {
  const least = Math.min(seconds || Number.POSITIVE_INFINITY, downloadTimeout || Number.POSITIVE_INFINITY);
  return Number.isFinite(least) ? least : 0;
}
