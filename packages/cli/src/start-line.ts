import { availableParallelism } from 'node:os';
import {
  type CheckResult,
  type ConfiguredProxy,
  type CoreSettings,
  type EffectiveSetting,
  formatBytes,
} from '@tintype/core';

/** What of a configuration an operator should know to be unsafe: the value, and the clause to say. */
const UNSAFE: Readonly<Record<string, { readonly value: string; readonly clause: string }>> = {
  TINTYPE_ALLOW_LOOPBACK_SOURCE_ADDRESSES: { value: 'true', clause: 'URLs may reach services of this machine' },
  TINTYPE_ALLOW_PRIVATE_SOURCE_ADDRESSES: { value: 'true', clause: 'URLs may reach private networks' },
  TINTYPE_ALLOW_LINK_LOCAL_SOURCE_ADDRESSES: { value: 'true', clause: 'URLs may reach cloud metadata services' },
  TINTYPE_IGNORE_SSL_VERIFICATION: { value: 'true', clause: 'certificates of sources are not checked' },
  TINTYPE_MAX_SRC_FILE_SIZE: { value: '0', clause: 'sources may have any size' },
  TINTYPE_MAX_RESULT_DIMENSION: { value: '0', clause: 'results may have any size' },
};

type EndpointPaths = ConfiguredProxy['endpoints'];

/**
 * What is unsafe in a configuration, as clauses; none if nothing is. That what is passed on has no
 * signature is no danger: it comes from servers that the operator named.
 */
export function unsafeParts(
  settings: CoreSettings,
  effective: readonly EffectiveSetting[],
  endpoints: EndpointPaths = [],
): readonly string[] {
  const clauses: string[] = [];
  if (settings.key.length === 0) {
    if (makesImages(endpoints) && settings.secret === '') {
      clauses.push(`${askable(settings, endpoints)} is answered, signed or not, because no TINTYPE_KEY is set`);
    }
  } else if (settings.signatureSize < 8) clauses.push(`signatures of ${settings.signatureSize} bytes can be guessed`);
  for (const { variable, value } of effective) {
    if (UNSAFE[variable]?.value === value) clauses.push(UNSAFE[variable].clause);
  }
  return clauses;
}

const makesImages = (endpoints: EndpointPaths): boolean =>
  endpoints.length === 0 || endpoints.some((endpoint) => endpoint.makesImages);

/** What without a signature whoever may ask at all may ask for. */
function askable({ allowedSources }: CoreSettings, endpoints: EndpointPaths): string {
  const images = endpoints.filter((endpoint) => endpoint.makesImages);
  const below = images.length === endpoints.length ? '' : ` below ${list(images)}`;
  return `any URL${below}${allowedSources.length === 0 ? '' : ' of an allowed source'}`;
}

/** What the first line of `tintype serve` is made from. */
export interface StartFacts {
  /** `http://127.0.0.1:8080` or `unix:/run/tintype.sock`. */
  readonly address: string;
  readonly settings: CoreSettings;
  readonly checks: readonly (CheckResult & { readonly part: string })[];
  readonly unsafe: readonly string[];
  readonly endpoints?: EndpointPaths;
  /** Where metrics are, if they are served. */
  readonly metrics?: string | undefined;
}

/** One line: where it listens, how the cache is, the limits, what is unsafe. */
export function startLine({ address, settings, checks, unsafe, endpoints = [], metrics }: StartFacts): string {
  const failing = checks.filter((check) => check.part !== 'cache' && !check.ok);
  return [
    `Serving on ${address}`,
    describeCache(checks.find((check) => check.part === 'cache')),
    ...failing.map((check) => `${check.part} NOT USABLE: ${problemOf(check)}`),
    ...describeEndpoints(endpoints),
    ...describeSecret(settings, endpoints),
    describeLimits(settings),
    ...(metrics === undefined ? [] : [`metrics on ${metrics}`]),
    ...(unsafe.length === 0 ? [] : [`UNSAFE: ${unsafe.join(', ')}`]),
  ].join('; ');
}

function describeEndpoints(endpoints: EndpointPaths): readonly string[] {
  const images = endpoints.filter(({ makesImages }) => makesImages);
  const passed = endpoints.filter(({ makesImages }) => !makesImages);
  return [
    ...(images.length === 0 ? [] : [`images below ${list(images)}`]),
    ...(passed.length === 0 ? [] : [`passes on what is below ${list(passed)}, which needs no signature`]),
  ];
}

const list = (endpoints: EndpointPaths): string => endpoints.map(({ path }) => path).join(' and ');

function describeSecret(settings: CoreSettings, endpoints: EndpointPaths): readonly string[] {
  if (settings.secret === '') return [];
  const unsigned = settings.key.length === 0 && makesImages(endpoints);
  const asked = unsigned ? `, for whom ${askable(settings, endpoints)} needs no signature` : '';
  return [`answers only those who know TINTYPE_SECRET${asked}`];
}

function describeCache(check: CheckResult | undefined): string {
  if (check === undefined) return 'no cache (TINTYPE_CACHE_USE is blank)';
  return check.ok ? `cache ${check.summary}` : `cache ${check.summary} NOT USABLE: ${problemOf(check)}`;
}

function problemOf(check: CheckResult): string {
  return check.ok ? '' : check.problem.replace(/\.$/, '');
}

function describeLimits(settings: CoreSettings): string {
  const { maxSrcResolution, maxSrcFileSize, maxResultDimension, workers, processes } = settings;
  const size = maxSrcFileSize === 0 ? 'of any size' : `to ${formatBytes(maxSrcFileSize)}`;
  const side = maxResultDimension === 0 ? 'of any size' : `to ${maxResultDimension} px`;
  return [
    `sources ${size} and ${maxSrcResolution / 1e6} MP`,
    `results ${side}`,
    `${workers ?? 2 * availableParallelism()} transforms at a time`,
    ...(processes === 1 ? [] : [`${processes} processes`]),
  ].join(', ');
}
