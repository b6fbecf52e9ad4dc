import {
  createPolicy,
  type FieldPair,
  fieldValue,
  type Policy,
  type PolicyOptions,
  type StatusSeconds,
} from '@tintype/http-cache';
import { nearestName } from '../config/nearest-name.ts';
import type { SettingsReader } from '../config/settings-reader.ts';
import type { EndpointDefinition } from './definition.ts';
import { checkMember, MEMBERS } from './members.ts';

/** One of an endpoint's origins. */
export interface EndpointOrigin {
  /** Absolute, with a slash at its end: what follows the endpoint's path is put behind it. */
  readonly base: string;
  /** `http`, `https`, `s3`, … */
  readonly scheme: string;
  /** Of the web: scheme, host and port, and the path of the base. */
  readonly web: { readonly origin: string; readonly path: string } | undefined;
}

/** An endpoint that was found right. */
export interface Endpoint {
  /** Without a slash at its end: `` or like `/photos`. */
  readonly prefix: string;
  readonly origins: readonly EndpointOrigin[];
  /** The origins are the servers that whole URLs in its paths may name, and no chain. */
  readonly webProxy: boolean;
  readonly dialect: string | undefined;
  readonly anyMethod: boolean;
  readonly cache: boolean;
  readonly cookies: readonly string[];
  readonly maxStoredBytes: number | undefined;
  /** What was said of the rules of caching: for images it stands in place of the settings. */
  readonly given: PolicyOptions;
  readonly policy: Policy;
  /** For what must not be kept by default: without the lifetime that the operator gave for silence. */
  readonly withoutDefault: Policy;
  /** The same without a guess either, for requests with cookies. */
  readonly withoutGuess: Policy;
}

/** The policies of an endpoint. */
export type EndpointPolicies = Pick<Endpoint, 'policy' | 'withoutDefault' | 'withoutGuess'>;

/**
 * The policy for a response. Lifetimes by default are for images, to requests without cookies: a page
 * that answers by an image's path may be somebody's own, and then nothing but its origin's word makes
 * it everybody's.
 *
 * @param fields of the response.
 * @param hadCookies whether the client sent cookies, passed on or not.
 */
export function policyFor(endpoint: EndpointPolicies, fields: readonly FieldPair[], hadCookies: boolean): Policy {
  if (hadCookies) return endpoint.withoutGuess;
  const type = fieldValue(fields, 'content-type')?.trim().toLowerCase() ?? '';
  return type.startsWith('image/') ? endpoint.policy : endpoint.withoutDefault;
}

/**
 * Checks endpoints; everything that is wrong goes to the reader, by its place: `endpoints[0].path`.
 *
 * @param file what they were read from, for messages.
 * @returns those that are right.
 */
export function readEndpoints(value: unknown, file: string, reader: SettingsReader): readonly Endpoint[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    reader.problem(`endpoints in ${file}`, `endpoints in ${file} is no list; expected ${SHAPE}.`);
    return [];
  }
  const endpoints = value.map((one: unknown, index) => readEndpoint(one, `endpoints[${index}]`, file, reader));
  const seen = new Set<string>();
  for (const [index, endpoint] of endpoints.entries()) {
    if (endpoint === undefined) continue;
    if (seen.has(endpoint.prefix)) {
      const name = `endpoints[${index}].path in ${file}`;
      reader.problem(
        name,
        `${name} is "${endpoint.prefix || '/'}", which another endpoint has; expected each path once.`,
      );
    }
    seen.add(endpoint.prefix);
  }
  return endpoints.filter((endpoint) => endpoint !== undefined);
}

const SHAPE = "[{ path: '/', origins: ['https://images.example.com/'] }]";

/** Whether all members are of their kinds, as `MEMBERS` tells them. */
function isDefinition<T extends object>(value: T): value is T & EndpointDefinition {
  return Object.entries(MEMBERS).every(([name, kind]) => checkMember(Reflect.get(value, name), kind) === undefined);
}

function readEndpoint(value: unknown, place: string, file: string, reader: SettingsReader): Endpoint | undefined {
  let isRight = true;
  const wrong = (member: string, sentence: string): void => {
    const name = `${place}${member === '' ? '' : `.${member}`} in ${file}`;
    isRight = false;
    reader.problem(name, `${name} ${sentence}.`);
  };
  if (!isRecord(value)) {
    wrong('', `is no endpoint; expected one like ${SHAPE.slice(1, -1)}`);
    return undefined;
  }
  for (const member of Object.keys(value)) {
    if (Object.hasOwn(MEMBERS, member)) continue;
    const nearest = nearestName(member, Object.keys(MEMBERS));
    wrong(member, `is not known${nearest === undefined ? '' : `; the nearest is ${nearest}`}`);
  }
  for (const [member, kind] of Object.entries(MEMBERS)) {
    const expected = checkMember(value[member], kind);
    // Texts are URLs and are not shown: one may hold a password.
    const is = kind === 'texts' ? 'of the wrong type' : shown(value[member]);
    if (expected !== undefined) wrong(member, `is ${is}; expected ${expected}`);
  }
  if (!isRight || !isDefinition(value)) return undefined;
  const definition: EndpointDefinition = value;

  const prefix = definition.path.replace(/\/$/, '');
  if (!/^(?:\/[^/?#\\\s%]+)*$/.test(prefix) || /\/\.{1,2}(?:\/|$)/.test(prefix)) {
    wrong('path', `is ${shown(definition.path)}; expected a path such as / or /photos, without escapes`);
  }
  const { webProxy } = definition;
  const listed = webProxy === undefined ? 'origins' : 'webProxy';
  const texts = webProxy ?? definition.origins ?? [];
  if (texts.length === 0) {
    const what = definition[listed] === undefined ? 'missing' : 'empty';
    wrong(listed, `is ${what}; expected at least one, such as https://images.example.com/`);
  }
  const origins = texts.map((text, index) => {
    const origin = readOrigin(text);
    // The text is not shown: it may hold a password.
    if (typeof origin === 'string') wrong(`${listed}[${index}]`, origin);
    else if (webProxy !== undefined && origin.web?.path !== '/') {
      wrong(
        `${listed}[${index}]`,
        'is no server of the web; expected scheme and host, as in https://images.example.com',
      );
    }
    return origin;
  });
  if (webProxy !== undefined) {
    const beside = (['origins', 'methods', 'cookies'] as const).filter((name) => definition[name] !== undefined);
    for (const name of beside) wrong(name, 'cannot stand beside webProxy: the client chooses the server');
  }
  if (definition.dialect !== undefined && definition.methods !== undefined) {
    wrong('methods', 'cannot stand beside a dialect: images are only read');
  }
  const policies = isRight ? policiesOf(definition, (sentence) => wrong('', `is refused: ${sentence}`)) : undefined;
  if (!isRight || policies === undefined) return undefined;
  return {
    prefix,
    origins: origins.filter((origin) => typeof origin !== 'string'),
    webProxy: webProxy !== undefined,
    dialect: definition.dialect,
    anyMethod: definition.methods === '*',
    cache: definition.cache ?? true,
    cookies: [...new Set(definition.cookies ?? [])].sort(),
    maxStoredBytes: definition.maxStoredBytes,
    ...policies,
  };
}

/** An origin, or the clause that says what is wrong with it. */
function readOrigin(text: string): EndpointOrigin | string {
  const url = URL.parse(text);
  if (url === null || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return 'is no absolute URL; expected one such as https://images.example.com/photos/';
  }
  if (url.username !== '' || url.password !== '') {
    return 'has a user name or password in it, which is not supported; leave it out';
  }
  if (text.includes('?') || text.includes('#')) return 'has a query or a fragment; expected only a folder';
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') {
    return { base: text.endsWith('/') ? text : `${text}/`, scheme, web: undefined };
  }
  const path = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return { base: url.origin + path, scheme, web: { origin: url.origin, path } };
}

function policiesOf(
  definition: EndpointDefinition,
  refuse: (sentence: string) => void,
): Pick<Endpoint, 'given' | 'policy' | 'withoutDefault' | 'withoutGuess'> | undefined {
  const { defaultTtl, heuristic, clientCacheControl = 'ignore', storePartial = true } = definition;
  const given: PolicyOptions = {
    ...pick(definition),
    ...(heuristic === false ? { heuristic: false } : {}),
    ...(defaultTtl === undefined ? {} : { defaultTtl: byStatus(defaultTtl) }),
  };
  // A part whose end is missing is a part all the same: its length says which.
  const options: PolicyOptions = { ...given, clientCacheControl, storePartial, shortPart: 'clip' };
  try {
    const policy = createPolicy(options);
    const withoutDefault = defaultTtl === undefined ? policy : createPolicy({ ...options, defaultTtl: {} });
    return {
      given,
      policy,
      withoutDefault,
      withoutGuess: createPolicy({ ...options, defaultTtl: {}, heuristic: false }),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(error.message.replace(/\.$/, ''));
    return undefined;
  }
}

const byStatus = (ttl: number | StatusSeconds): StatusSeconds => (typeof ttl === 'number' ? { '200-399': ttl } : ttl);

/** Members that mean the same to the policy. */
const OF_POLICY = [
  ...(['originCacheControl', 'targets', 'statusTtl', 'edgeTtl', 'minTtl', 'maxTtl', 'browserTtl'] as const),
  ...(['setCookie', 'vary', 'sMaxageAllowsStale', 'staleWhileRevalidate', 'staleIfError'] as const),
  ...(['staleIfDisconnected', 'ignoreAge', 'ignoreExpires'] as const),
] as const;

function pick(definition: EndpointDefinition): PolicyOptions {
  const given = OF_POLICY.filter((name) => definition[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, definition[name]]));
}

const shown = (value: unknown): string =>
  value === undefined ? 'missing' : (JSON.stringify(value) ?? 'of the wrong type');

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
