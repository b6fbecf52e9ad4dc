import { DEFAULT_TARGETS } from './targeted.ts';

/** Seconds by status: a code (`'404'`) or an inclusive range (`'500-599'`); the narrowest range wins. */
export type StatusSeconds = Readonly<Record<string, number>>;

/** How a cache behaves. Everything is optional; durations are seconds. */
export interface PolicyOptions {
  /** A cache for many users (default), or for one: that one may keep `private` and ignores `s-maxage`. RFC 9111 §1. */
  readonly shared?: boolean;
  /** Whether the origin's word counts in full (default `true`): the column of {@link COLUMNS} that applies. */
  readonly originCacheControl?: boolean;
  /** Targeted fields to obey, most specific first. Only with origin cache control. RFC 9213. */
  readonly targets?: readonly string[];
  /**
   * Lifetimes for responses that say nothing themselves (Cloudflare: default edge TTL), counted from
   * receipt. None unless given; {@link CLOUDFLARE_DEFAULT_TTL} are well-known ones.
   */
  readonly defaultTtl?: StatusSeconds;
  /**
   * Lifetimes that win over whatever the origin says: 0 stores and always revalidates, -1 doesn't
   * store (Cloudflare: status code TTL). They disable the origin's revalidation directives.
   */
  readonly statusTtl?: StatusSeconds;
  /**
   * One lifetime for all 2xx and 3xx responses, whatever the origin says (Cloudflare: edge TTL,
   * `override_origin`). Responses are then stored without `Set-Cookie`.
   */
  readonly edgeTtl?: number;
  /** Least lifetime, except of what must be revalidated at each use. */
  readonly minTtl?: number;
  /** Greatest lifetime; 180 days unless given. */
  readonly maxTtl?: number;
  /** Least `max-age` that clients are given: it lengthens the origin's and never shortens it. */
  readonly browserTtl?: number;
  /**
   * Share of the time since `Last-Modified` that a response without a lifetime is fresh, and the most
   * it may be; `false` for none. RFC 9111 §4.2.2.
   */
  readonly heuristic?: { readonly fraction: number; readonly maxSeconds: number } | false;
  /** Whose `Authorization` requests carry: the client's (RFC 9111 §3.5 applies) or our own for the origin (it doesn't). */
  readonly credentials?: 'client' | 'service';
  /** What becomes of a response with `Set-Cookie`; without it, the column decides. RFC 9111 §7.3. */
  readonly setCookie?: 'refuse' | 'strip' | 'store';
  /** Request fields in `Vary` that count: all (default), or only these, in any case. */
  readonly vary?: 'all' | readonly string[];
  /** Normal forms by lower-case field name, instead of the built-in ones. The origin must be sent the same form. */
  readonly normalise?: Readonly<Record<string, (value: string) => string>>;
  /** Whether clients' `Cache-Control` counts (default). RFC 9111 §5.2.1. */
  readonly clientCacheControl?: 'obey' | 'ignore';
  /** Let `stale-while-revalidate` and `stale-if-error` count beside `s-maxage`, which RFC 9111 §5.2.2.10 forbids. */
  readonly sMaxageAllowsStale?: boolean;
  /**
   * Serve stale while refreshing at all (Cloudflare's `disable_stale_while_updating` is `false` here). A
   * number is `true`, and the seconds for responses without that directive.
   */
  readonly staleWhileRevalidate?: boolean | number;
  /** `stale-if-error` of responses without that directive, after an error status. 0 unless given. */
  readonly staleIfError?: number;
  /** The same, where the origin didn't answer at all. A day unless given. RFC 9111 §4.2.4. */
  readonly staleIfDisconnected?: number;
  /** Store 206 responses as parts (RFC 9111 §3.3). Without it (default) only whole bodies are stored. */
  readonly storePartial?: boolean;
  /** A 206 whose body is shorter than its `Content-Range` says: not stored (default), or its end is moved. */
  readonly shortPart?: 'refuse' | 'clip';
  /** Statuses whose requirements the cache knows, for `must-understand`. RFC 9111 §5.2.2.3. */
  readonly understood?: ReadonlySet<number>;
  /** Count lifetimes from receipt, whatever `Age` and `Date` say. */
  readonly ignoreAge?: boolean;
  /** As if there were no `Expires`. */
  readonly ignoreExpires?: boolean;
  /** What an unusable `Age` means: a stale response (default) or nothing, as RFC 9111 §5.1 has it. */
  readonly invalidAge?: 'stale' | 'ignore';
}

/** What the two modes do differently; every line is a row of Cloudflare's Origin Cache Control. */
export interface Column {
  /** D3: `private="a"` keeps the response, without the field. */
  readonly storesQualifiedPrivate: boolean;
  /** D4, D5: `no-cache` keeps the response and asks at each use. */
  readonly storesNoCache: boolean;
  /** D6, D7: a lifetime of 0 keeps the response and asks at each use. */
  readonly storesZeroLifetime: boolean;
  /** D7, D9, D10, D11: `s-maxage`, `must-revalidate` and `proxy-revalidate` forbid stale answers. */
  readonly revalidationBinds: boolean;
  /** D15: `no-transform` keeps the body as it is. */
  readonly noTransformBinds: boolean;
  /** D16: clients get to see `immutable`. */
  readonly passesImmutable: boolean;
  /** D20: targeted fields count. */
  readonly targetedFields: boolean;
  /** C1: a response to a client's `Authorization` needs the origin's permission. */
  readonly authorizationBinds: boolean;
  /** C3: what becomes of a response with `Set-Cookie`. */
  readonly setCookie: 'refuse' | 'strip';
  /** C4: clients get to see `private` beside a browser TTL. */
  readonly browserTtlKeepsPrivate: boolean;
}

/** Origin cache control on and off. Cloudflare: Origin Cache Control. */
export const COLUMNS: Readonly<Record<'on' | 'off', Column>> = {
  on: {
    storesQualifiedPrivate: true,
    storesNoCache: true,
    storesZeroLifetime: true,
    revalidationBinds: true,
    noTransformBinds: true,
    passesImmutable: true,
    targetedFields: true,
    authorizationBinds: true,
    setCookie: 'refuse',
    browserTtlKeepsPrivate: true,
  },
  off: {
    storesQualifiedPrivate: false,
    storesNoCache: false,
    storesZeroLifetime: false,
    revalidationBinds: false,
    noTransformBinds: false,
    passesImmutable: false,
    targetedFields: false,
    authorizationBinds: false,
    setCookie: 'strip',
    browserTtlKeepsPrivate: false,
  },
};

/** D19: what Cloudflare keeps for how long where the origin says nothing, in seconds. */
export const CLOUDFLARE_DEFAULT_TTL: StatusSeconds = {
  '200': 7200,
  '206': 7200,
  '301': 7200,
  '302': 1200,
  '303': 1200,
  '404': 180,
  '410': 180,
};

/** 180 days, in seconds: ImageKit's cap (IK2). */
export const DEFAULT_MAX_TTL: number = 180 * 24 * 3600;

/**
 * Statuses whose caching requirements hold by what this package does: RFC 9110 §15, without 206, which
 * counts where parts are stored.
 */
const UNDERSTOOD: readonly number[] = [
  ...[200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413],
  ...[414, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 511],
];

/** Statuses that may be stored without the origin saying so. RFC 9110 §15.1. */
export const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  ...[200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501],
]);

/** Options with every default filled in. Make it once, with {@link createPolicy}. */
export interface Policy extends Required<Omit<PolicyOptions, 'setCookie' | 'edgeTtl' | 'browserTtl'>> {
  readonly column: Column;
  readonly setCookie: 'refuse' | 'strip' | 'store';
  readonly edgeTtl: number | undefined;
  readonly browserTtl: number | undefined;
}

/**
 * Fills in the defaults.
 *
 * @throws RangeError if a duration isn't a number of seconds or a status range can't be read.
 */
export function createPolicy(options: PolicyOptions = {}): Policy {
  const column = options.originCacheControl === false ? COLUMNS.off : COLUMNS.on;
  const policy: Policy = {
    column,
    shared: options.shared ?? true,
    originCacheControl: options.originCacheControl ?? true,
    targets: (options.targets ?? DEFAULT_TARGETS).map((name) => name.toLowerCase()),
    defaultTtl: options.defaultTtl ?? {},
    statusTtl: options.statusTtl ?? {},
    edgeTtl: options.edgeTtl,
    minTtl: options.minTtl ?? 0,
    maxTtl: options.maxTtl ?? DEFAULT_MAX_TTL,
    browserTtl: options.browserTtl,
    heuristic: options.heuristic ?? { fraction: 0.1, maxSeconds: 24 * 3600 },
    credentials: options.credentials ?? 'client',
    setCookie: options.setCookie ?? column.setCookie,
    vary: typeof options.vary === 'object' ? options.vary.map((name) => name.toLowerCase()) : 'all',
    normalise: options.normalise ?? {},
    clientCacheControl: options.clientCacheControl ?? 'obey',
    sMaxageAllowsStale: options.sMaxageAllowsStale ?? false,
    staleWhileRevalidate: options.staleWhileRevalidate ?? true,
    staleIfError: options.staleIfError ?? 0,
    staleIfDisconnected: options.staleIfDisconnected ?? 24 * 3600,
    storePartial: options.storePartial ?? false,
    shortPart: options.shortPart ?? 'refuse',
    understood: options.understood ?? new Set([...UNDERSTOOD, ...(options.storePartial === true ? [206] : [])]),
    ignoreAge: options.ignoreAge ?? false,
    ignoreExpires: options.ignoreExpires ?? false,
    invalidAge: options.invalidAge ?? 'stale',
  };
  const { edgeTtl = 0, browserTtl = 0, minTtl, maxTtl, staleIfError, staleIfDisconnected } = policy;
  const staleWhileRevalidate = Number(policy.staleWhileRevalidate);
  const durations = {
    edgeTtl,
    browserTtl,
    minTtl,
    maxTtl,
    staleWhileRevalidate,
    staleIfError,
    staleIfDisconnected,
  };
  for (const [name, seconds] of Object.entries(durations)) {
    if (!(seconds >= 0 && seconds <= MAX_SECONDS)) throw new RangeError(`${name} must be seconds from 0 to 2^31.`);
  }
  for (const [name, map] of [['defaultTtl', policy.defaultTtl] as const, ['statusTtl', policy.statusTtl] as const]) {
    for (const [range, seconds] of Object.entries(map)) {
      if (statusRange(range) === undefined) throw new RangeError(`${name}: "${range}" is no status or range of them.`);
      if (!(seconds >= -1 && seconds <= MAX_SECONDS)) throw new RangeError(`${name}: ${seconds} is no lifetime.`);
    }
  }
  return policy;
}

const MAX_SECONDS = 2 ** 31;

/** The seconds that a map gives for a status. */
export function secondsFor(map: StatusSeconds, status: number): number | undefined {
  let found: { width: number; seconds: number } | undefined;
  for (const [range, seconds] of Object.entries(map)) {
    const { first, last } = statusRange(range) ?? { first: 1, last: 0 };
    const width = last - first;
    if (first <= status && status <= last && (found === undefined || width < found.width)) found = { width, seconds };
  }
  return found?.seconds;
}

function statusRange(text: string): { readonly first: number; readonly last: number } | undefined {
  const [, first, last] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  return { first: Number(first), last: Number(last ?? first) };
}
