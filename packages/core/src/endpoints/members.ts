import type { EndpointDefinition } from './definition.ts';

/** The forms that members of an endpoint have. */
export type MemberKind =
  | 'text'
  | 'texts'
  | 'names'
  | 'flag'
  | 'seconds'
  | 'bytes'
  | 'statuses'
  | 'seconds or statuses'
  | 'all or names'
  | { readonly oneOf: readonly string[] };

/** Every member of an endpoint, and its form; `path` must be there. */
export const MEMBERS: Readonly<Record<keyof EndpointDefinition, MemberKind>> = {
  path: 'text',
  origins: 'texts',
  webProxy: 'texts',
  dialect: { oneOf: [] },
  methods: { oneOf: ['*'] },
  cache: 'flag',
  cookies: 'names',
  maxStoredBytes: 'bytes',
  originCacheControl: 'flag',
  targets: 'names',
  defaultTtl: 'seconds or statuses',
  statusTtl: 'statuses',
  edgeTtl: 'seconds',
  minTtl: 'seconds',
  maxTtl: 'seconds',
  browserTtl: 'seconds',
  heuristic: 'flag',
  setCookie: { oneOf: ['refuse', 'strip', 'store'] },
  vary: 'all or names',
  clientCacheControl: { oneOf: ['obey', 'ignore'] },
  sMaxageAllowsStale: 'flag',
  staleWhileRevalidate: 'flag',
  staleIfError: 'seconds',
  staleIfDisconnected: 'seconds',
  storePartial: 'flag',
  ignoreAge: 'flag',
  ignoreExpires: 'flag',
};

const REQUIRED: ReadonlySet<MemberKind> = new Set<MemberKind>(['text']);

const EXPECTED: Readonly<Record<Exclude<MemberKind, object>, string>> = {
  text: 'a text',
  texts: 'a list of texts',
  names: 'a list of names',
  flag: 'true or false',
  seconds: 'a number of seconds, 0 or more',
  bytes: 'a whole number of bytes',
  statuses: "seconds by status, as in { '200-299': 3600, '404': 60 }",
  'seconds or statuses': "a number of seconds, or seconds by status, as in { '200-299': 3600, '404': 60 }",
  'all or names': "'all', or a list of names",
};

/** What a member must be, if it isn't; `undefined` if it is right, or may be absent and is. */
export function checkMember(value: unknown, kind: MemberKind): string | undefined {
  if (value === undefined) return REQUIRED.has(kind) ? expectation(kind) : undefined;
  return fits(value, kind) ? undefined : expectation(kind);
}

function expectation(kind: MemberKind): string {
  if (typeof kind === 'string') return EXPECTED[kind];
  return kind.oneOf.length === 0 ? 'the id of one' : kind.oneOf.map((choice) => `'${choice}'`).join(' or ');
}

function fits(value: unknown, kind: MemberKind): boolean {
  if (typeof kind === 'object') {
    return typeof value === 'string' && (kind.oneOf.length === 0 ? value !== '' : kind.oneOf.includes(value));
  }
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'texts':
      return isList(value, () => true);
    case 'names':
      return isList(value, isName);
    case 'flag':
      return typeof value === 'boolean';
    case 'seconds':
      return isSeconds(value);
    case 'bytes':
      return Number.isSafeInteger(value) && Number(value) > 0;
    case 'statuses':
      return isStatuses(value);
    case 'seconds or statuses':
      return isSeconds(value) || isStatuses(value);
    case 'all or names':
      return value === 'all' || isList(value, isName);
  }
}

const isSeconds = (value: unknown): boolean => typeof value === 'number' && value >= 0 && Number.isFinite(value);

const isName = (text: string): boolean => /^[!#$%&'*+.^_`|~\w-]+$/.test(text);

function isList(value: unknown, takes: (text: string) => boolean): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && takes(one));
}

function isStatuses(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((seconds) => typeof seconds === 'number' && Number.isFinite(seconds));
}
