import type { OptionsOf } from '../contracts/options.ts';
import { isPseudonym } from '../pipeline/hops.ts';
import type { Section, SettingsReader } from './settings-reader.ts';

/**
 * Settings of the proxy and its server. Those of backends stand in the backends' own tables.
 * A literal and not `defineOptions(…)`, whose exported type would have to be written out.
 */
export const coreOptions = {
  BIND: {
    kind: 'bind',
    default: '127.0.0.1:8080',
    imgproxy: true,
    aliases: ['PORT'],
    description:
      'Where to listen: `host:port`, `[IPv6]:port`, `:port` for every interface, or the path of a socket. A port alone (`PORT=3000`) stays on 127.0.0.1.',
  },
  KEY: {
    kind: 'hexList',
    default: '',
    secret: true,
    imgproxy: true,
    description:
      'Keys that URLs are signed with, in hex. Several, separated by commas, allow rotation: each is accepted, the first one signs.',
  },
  SALT: {
    kind: 'hexList',
    default: '',
    secret: true,
    imgproxy: true,
    description: 'Salts of the keys, in hex, as many as there are keys and in the same order.',
  },
  SIGNATURE_SIZE: {
    kind: 'integer',
    default: '32',
    min: 1,
    max: 32,
    imgproxy: true,
    description: 'Bytes of the signature that are kept; fewer make shorter URLs.',
  },
  TRUSTED_SIGNATURES: {
    kind: 'list',
    default: '',
    secret: true,
    imgproxy: true,
    description: 'Signatures that are accepted as they are, whatever they sign.',
  },
  SECRET: {
    kind: 'string',
    default: '',
    secret: true,
    imgproxy: true,
    description:
      'What every request but the probes must carry, as `Authorization: Bearer <secret>`: for a proxy that only a CDN or an application may ask. It is not passed on. Blank asks for nothing.',
  },
  ALLOW_UNSIGNED: {
    kind: 'boolean',
    default: 'false',
    description:
      'Whether to serve unsigned URLs beyond this machine: without a key, anyone may then ask for any variant. Results are then stored when they are asked for the second time.',
  },
  MAX_VARIANTS_PER_SOURCE: {
    kind: 'integer',
    default: '100',
    min: 0,
    description:
      'Variants of one source that are stored within an hour while unsigned URLs are served beyond this machine; further ones are served and not stored. Counted in memory, so approximately and from the last start; 0 is no limit.',
  },
  ALLOWED_SOURCES: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description:
      'Prefixes of the source URLs that may be asked for (`https://images.example.com/,local://`), `*` within a part; blank allows all.',
  },
  CACHE_USE: {
    kind: 'string',
    default: '',
    imgproxy: true,
    description:
      'The storage that keeps results: `fs`, `memory`, or the id of any installed plugin; blank is no cache.',
  },
  CACHE_TIERS: {
    kind: 'list',
    default: '',
    description: 'Several storages in place of one, nearest first: `memory,fs`.',
  },
  CACHE_NEAR_TTL: {
    kind: 'seconds',
    min: 0.001,
    max: 315_360_000,
    description:
      'With several storages: for how long a copy in a nearer one is used before the next one is asked again, in seconds; blank is for as long as the result may be used. It bounds how long this machine uses what another one has removed from the storage that they share.',
  },
  CACHE_PATH_PREFIX: {
    kind: 'string',
    default: '',
    imgproxy: true,
    description: 'What stands before the key of every cache entry.',
  },
  CACHE_BUCKET: {
    kind: 'string',
    default: '',
    imgproxy: true,
    description: 'Bucket or container of the cache; with `fs` a folder below its root.',
  },
  CACHE_EXPIRATION_DAYS: {
    kind: 'integer',
    default: '0',
    min: 0,
    max: 99_999,
    description:
      'Days after which the storage may forget an entry that has not been written or revalidated since, though never while it may still be used, fresh or stale. `swift` and `memory` remove it by themselves; `tintype cache lifecycle` prints the rule for `s3`, `gcs` and `abs`. 0 is never.',
  },
  CACHE_KEY_HEADERS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Request headers whose values are part of the cache key; they also appear in `Vary`.',
  },
  CACHE_KEY_COOKIES: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Cookies whose values are part of the cache key.',
  },
  CACHE_PRESETS_ONLY: {
    kind: 'boolean',
    default: 'false',
    description:
      'Keep only images that are asked for by presets and nothing else; a format, a cache buster and what shapes only the response may stand beside them. Others are made each time, unless a rule says `cache: true`.',
  },
  CACHE_LOOKUP_TIMEOUT: {
    kind: 'seconds',
    min: 0.001,
    max: 86_400,
    description:
      'Longest time to look for a result before it counts as not there, in seconds; blank is 0.25 for a storage of this machine and 1 for one behind a network.',
  },
  CACHE_REPORT_ERRORS: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Whether a failing cache fails the request (500) instead of serving the image without it.',
  },
  SOURCES_USE: {
    kind: 'string',
    default: '',
    description:
      'The storage that keeps copies of sources, so that several results of one fetch it once: `fs`, `s3`, `memory`, or the id of any installed plugin; blank is none.',
  },
  SOURCES_PATH_PREFIX: {
    kind: 'string',
    default: '',
    description: 'What stands before the key of every copy of a source.',
  },
  SOURCES_BUCKET: {
    kind: 'string',
    default: '',
    description: 'Bucket or container of the copies of sources; with `fs` a folder below its root.',
  },
  SOURCES_MAX_FILE_SIZE: {
    kind: 'bytes',
    default: '0',
    description: 'Bytes of the largest source of which a copy is kept; 0 is no limit of its own.',
  },
  TTL: {
    kind: 'seconds',
    default: '31536000',
    imgproxy: true,
    description:
      'How long a result is fresh where its source does not say, for clients and for the cache, in seconds; 0 keeps nothing that does not say so.',
  },
  ORIGIN_CACHE_CONTROL: {
    kind: 'boolean',
    default: 'true',
    imgproxy: 'CACHE_CONTROL_PASSTHROUGH',
    description:
      'Whether the caching rules of sources count in full (RFC 9111): `no-cache`, `must-revalidate`, `s-maxage`, targeted fields and `no-transform`; without it only their lifetimes and `no-store`, `private` and `no-cache` count.',
  },
  TTL_BY_STATUS: {
    kind: 'list',
    default: '404=10,410=60,500-599=1',
    description:
      'How long failures of a source are remembered where it does not say, in seconds by status or range of them; a source that does not answer counts as 502 or 504. Blank is the default; `404=0` forgets at once.',
  },
  STATUS_TTL: {
    kind: 'list',
    default: '',
    description:
      'Lifetimes by status that win over what sources say, in seconds (`200=3600,404=60`): 0 asks at each use, -1 keeps nothing.',
  },
  EDGE_TTL: {
    kind: 'seconds',
    min: 0,
    max: 2_147_483_648,
    description:
      'One lifetime for all results, whatever their sources say, `private` and `no-store` included, in seconds.',
  },
  MIN_TTL: {
    kind: 'seconds',
    default: '0',
    min: 0,
    max: 2_147_483_648,
    description: 'Least lifetime of a result in the cache, in seconds, except of what must be asked about at each use.',
  },
  MAX_TTL: {
    kind: 'seconds',
    default: '15552000',
    min: 0,
    max: 2_147_483_648,
    description: 'Greatest lifetime of a result in the cache, in seconds; 180 days unless set.',
  },
  BROWSER_TTL: {
    kind: 'seconds',
    min: 0,
    max: 2_147_483_648,
    description:
      'Least `max-age` that clients are given, in seconds: it lengthens what sources say and never shortens it.',
  },
  TTL_JITTER: {
    kind: 'number',
    default: '0',
    min: 0,
    max: 0.5,
    description:
      'Share of a lifetime by which it is shortened at random, so that what came together does not expire together: 0.05 is up to 5 %.',
  },
  STALE_WHILE_REVALIDATE: {
    kind: 'seconds',
    default: '0',
    min: 0,
    max: 2_147_483_648,
    description:
      'How long after its lifetime a result is still used while it is refreshed in the background, in seconds, where its source neither says nor forbids it.',
  },
  STALE_IF_ERROR: {
    kind: 'seconds',
    default: '86400',
    min: 0,
    max: 2_147_483_648,
    description:
      'How long after its lifetime a result is still used where its source fails or there is no room to make it, in seconds, where the source neither says nor forbids it.',
  },
  EARLY_REFRESH: {
    kind: 'number',
    default: '0',
    min: 0,
    max: 100,
    description:
      'How eagerly a result in use is refreshed before it expires, so that nobody waits when it does (XFetch): 1 is usual, 0 is never.',
  },
  NO_TRANSFORM: {
    kind: 'enum',
    choices: ['passthrough', 'refuse', 'ignore'],
    default: 'passthrough',
    description:
      'What `Cache-Control: no-transform` of a source does: the source is passed on as it is, the request is refused (422), or nothing.',
  },
  ORIGIN_SET_COOKIE: {
    kind: 'enum',
    choices: ['refuse', 'strip'],
    description:
      'Whether results of sources that answer with `Set-Cookie` are kept; clients never get to see it. Blank is `refuse` with origin cache control and `strip` without.',
  },
  FETCH_AGAIN_AFTER: {
    kind: 'seconds',
    default: '2.5',
    min: 0,
    max: 86_400,
    description:
      'After how many seconds without an answer a source that several requests wait for is asked once more; the first answer counts; 0 is never.',
  },
  AUTO_WEBP: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Use WebP for clients that accept it, where a URL names no format; answers then have `Vary: Accept`.',
  },
  AUTO_AVIF: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Use AVIF for clients that accept it, where a URL names no format; answers then have `Vary: Accept`.',
  },
  AUTO_JXL: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description:
      'Use JPEG XL for clients that accept it, where a URL names no format; answers then have `Vary: Accept`.',
  },
  ENFORCE_WEBP: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Use WebP for clients that accept it, whatever format a URL names.',
  },
  ENFORCE_AVIF: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Use AVIF for clients that accept it, whatever format a URL names.',
  },
  ENFORCE_JXL: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description: 'Use JPEG XL for clients that accept it, whatever format a URL names.',
  },
  ENABLE_CLIENT_HINTS: {
    kind: 'boolean',
    default: 'false',
    imgproxy: true,
    description:
      'Let `Sec-CH-DPR`, `Sec-CH-Width` and `Sec-CH-Viewport-Width`, or the same without `Sec-CH-`, stand in for a pixel ratio and a width that a URL does not name, rounded up to one of a few steps.',
  },
  MAX_SRC_RESOLUTION: {
    kind: 'megapixels',
    default: '50',
    min: 0.000001,
    imgproxy: true,
    description:
      'Megapixels (width × height × frames) that a source may have, and a result before anything is cut off.',
  },
  MAX_SRC_FILE_SIZE: {
    kind: 'bytes',
    default: '64MiB',
    imgproxy: true,
    description: 'Bytes that a source may have; 0 is no limit.',
  },
  MAX_ANIMATION_FRAMES: {
    kind: 'integer',
    default: '100',
    min: 1,
    imgproxy: true,
    description: 'Frames that a source may have.',
  },
  MAX_RESULT_DIMENSION: {
    kind: 'integer',
    default: '16384',
    min: 0,
    imgproxy: true,
    description: 'Pixels that either side of a result may have; a larger one is refused; 0 is no limit.',
  },
  WORKERS: {
    kind: 'integer',
    min: 1,
    imgproxy: true,
    description: 'Transforms at a time; blank is twice the number of cores.',
  },
  TRANSFORM_PROCESSES: {
    kind: 'integer',
    min: 0,
    max: 64,
    description:
      'Child processes in which `tintype serve` transforms, so that hits never wait for misses; blank is one for each core, but no more than one for each 256 MiB that the container or machine has, and 4 at most; never more than `TINTYPE_WORKERS`; 0 transforms in the serving process.',
  },
  REQUESTS_QUEUE_SIZE: {
    kind: 'integer',
    default: '256',
    min: 0,
    imgproxy: true,
    description:
      'Images that may be in the making beyond those that the workers are at, and requests that may wait for one host; as many raw sources may be on their way besides; beyond it the answer is 503; 0 is no limit.',
  },
  MAX_DOWNLOADS_PER_HOST: {
    kind: 'integer',
    default: '32',
    min: 0,
    description: 'Downloads at a time from one host or bucket; further ones wait; 0 is no limit.',
  },
  OVERLOAD_STATUS: {
    kind: 'enum',
    choices: ['503', '429'],
    default: '503',
    description: 'The status of answers that there is no room for now; imgproxy uses 429.',
  },
  MEMORY_BUDGET: {
    kind: 'bytes',
    description:
      'Memory that all transforms may take together, as estimated before each; further ones wait, and their sources take up to a quarter as much again, at least 64 MiB, before they go to temporary files; 0 is no limit; blank is half of what the container or machine has.',
  },
  DOWNLOAD_TIMEOUT: {
    kind: 'seconds',
    default: '5',
    min: 0.001,
    imgproxy: true,
    max: 86_400,
    description: 'Longest time to connect to a source, to its headers, and between its bytes, in seconds.',
  },
  TIMEOUT: {
    kind: 'seconds',
    default: '10',
    min: 0.001,
    imgproxy: true,
    max: 86_400,
    description:
      'Longest time from a request to the start of its answer, in seconds; a raw source may take so long again, and a second for every 32 KiB of it.',
  },
  PROCESSES: {
    kind: 'integer',
    default: '1',
    min: 1,
    max: 64,
    description:
      'Processes that serve. Workers, their queue, the memory cache and clients are totals that they divide among them.',
  },
  MAX_CLIENTS: {
    kind: 'integer',
    default: '2048',
    min: 0,
    imgproxy: true,
    description: 'Connections at a time; more are closed at once; 0 is no limit.',
  },
  KEEP_ALIVE_TIMEOUT: {
    kind: 'seconds',
    default: '90',
    min: 0,
    imgproxy: true,
    max: 86_400,
    description:
      'How long an idle connection is kept, in seconds: longer than a load balancer keeps it; 0 closes after each answer.',
  },
  READ_REQUEST_TIMEOUT: {
    kind: 'seconds',
    default: '10',
    min: 0.001,
    imgproxy: true,
    max: 86_400,
    description: 'Longest time for a request to arrive, in seconds.',
  },
  WRITE_RESPONSE_TIMEOUT: {
    kind: 'seconds',
    default: '30',
    min: 0,
    imgproxy: true,
    max: 86_400,
    description:
      'Longest time in which a client takes none of the bytes it is sent, in seconds; noticed after once to twice that time. 0 waits for ever.',
  },
  DRAIN_DELAY: {
    kind: 'seconds',
    default: '5',
    min: 0,
    max: 86_400,
    description: 'How long after SIGTERM requests are still accepted, while `/readyz` says 503 already, in seconds.',
  },
  GRACEFUL_STOP_TIMEOUT: {
    kind: 'seconds',
    default: '20',
    min: 0,
    imgproxy: true,
    max: 86_400,
    description:
      'Longest time for requests in flight to be answered and results to be stored when it stops, in seconds.',
  },
  LOG_LEVEL: {
    kind: 'enum',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    imgproxy: true,
    description: 'The least that is logged.',
  },
  LOG_FORMAT: {
    kind: 'enum',
    choices: ['json', 'pretty'],
    // Not imgproxy's: `structured` and `gcp` of the same variable don't exist here.
    description: 'How log lines look; blank is `pretty` on a terminal and `json` elsewhere.',
  },
  LOG_HITS: {
    kind: 'number',
    default: '1',
    min: 0,
    max: 1,
    description: 'The share of cache hits that get a log line: 0 none, 0.01 every hundredth, 1 all.',
  },
  PSEUDONYM: {
    kind: 'string',
    default: '',
    description:
      'What this proxy calls itself in `Via` and `CDN-Loop` towards web origins; a request that comes back with it is answered with 508. Blank is a random name for each start and process, which finds loops as well, some rounds later. Proxies that ask each other for images must not share one.',
  },
  PROMETHEUS_BIND: {
    kind: 'bind',
    imgproxy: true,
    description:
      'Where metrics are served for Prometheus, apart from images and to whoever can reach it, as in `127.0.0.1:9090`; blank counts nothing.',
  },
  PROMETHEUS_NAMESPACE: {
    kind: 'string',
    default: '',
    imgproxy: true,
    description: 'What stands before the names of the metrics, with `_` between; blank is nothing.',
  },
  CONTROL_SOCKET: {
    kind: 'path',
    description:
      'A socket file by which `tintype cache purge` tells the serving processes on this machine what they must not use any more; whoever may write to it may purge. Blank makes none.',
  },
  TRANSFORMER_USE: {
    kind: 'string',
    default: '',
    description: 'The transformer, by its id; blank is the only one installed.',
  },
  DIALECT_USE: {
    kind: 'string',
    default: '',
    description: 'The grammar of URLs, by its id; blank is the only one installed.',
  },
  PLUGINS: {
    kind: 'list',
    default: '',
    description: 'Further plugins: names of packages, or paths (`./my-plugin.ts`), found from the working directory.',
  },
  CONFIG: {
    kind: 'path',
    description: 'The config file; blank is `tintype.config.ts` in the working directory, if there is one.',
  },
} as const;

/** The parsed `coreOptions`. */
export type CoreSettings = OptionsOf<typeof coreOptions>;

/** Where `coreOptions` are read: without a further prefix. */
export const coreSection: Section<typeof coreOptions> = { title: 'Proxy', prefix: '', table: coreOptions };

/** What must hold between core settings: adds to the reader's problems. */
export function checkCoreSettings(settings: CoreSettings, reader: SettingsReader): void {
  const { key, salt, prometheusNamespace, pseudonym } = settings;
  if (pseudonym !== '' && !isPseudonym(pseudonym)) {
    reader.problem(
      'TINTYPE_PSEUDONYM',
      `TINTYPE_PSEUDONYM is "${pseudonym}"; expected one word of letters, digits, . _ and -, or a host with a port.`,
    );
  }
  if (prometheusNamespace !== '' && !METRIC_NAME.test(prometheusNamespace)) {
    reader.problem(
      'TINTYPE_PROMETHEUS_NAMESPACE',
      `TINTYPE_PROMETHEUS_NAMESPACE is "${prometheusNamespace}"; expected letters, digits, _ and :, not beginning with a digit.`,
    );
  }
  const unread = reader.hasProblem('TINTYPE_KEY') || reader.hasProblem('TINTYPE_SALT');
  if (key.length !== salt.length && !unread) {
    reader.problem(
      'TINTYPE_SALT',
      `TINTYPE_KEY has ${count(key.length)} and TINTYPE_SALT ${count(salt.length)}; expected as many salts as keys.`,
    );
  }
}

/** Prometheus' rule for names of metrics. */
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function count(values: number): string {
  return values === 0 ? 'no value' : values === 1 ? '1 value' : `${values} values`;
}
