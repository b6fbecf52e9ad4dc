import { createPolicy, type PolicyOptions } from '@tintype/http-cache';
import type { ImageRequest } from '../contracts/dialect.ts';
import { NO_OPERATIONS, type Operations } from '../contracts/operations.ts';
import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';
import { canonicalJson } from '../pipeline/variant-key.ts';
import { createFreshnessPolicy, type FreshnessPolicy } from './policy.ts';
import { type FreshnessSettings, imagePolicy, imagePolicyOptions } from './settings.ts';

/**
 * What is to be done with some of the images, in the config file: all that is said of them must hold.
 * `*` in a pattern stands for any text. Of several rules the first that fits counts.
 *
 * @example `{ source: 'https://news.example.com*', ttl: 60 }`, `{ operation: 'blur', cache: false }`
 */
export interface CacheRule {
  /** Patterns of the source's URL. */
  readonly source?: string | readonly string[];
  /** Patterns of the path that was asked for: `*pr:*` are those with a preset. */
  readonly path?: string | readonly string[];
  /** Names of operations, one of which is asked for: `resize`, `blur`. */
  readonly operation?: string | readonly string[];
  /** `false`: neither looked up nor stored. */
  readonly cache?: boolean;
  /** One lifetime whatever the source says, in seconds. */
  readonly ttl?: number;
  readonly minTtl?: number;
  readonly maxTtl?: number;
  readonly browserTtl?: number;
  readonly originCacheControl?: boolean;
  /** Seconds for sources that don't say; `false` switches it off. */
  readonly staleWhileRevalidate?: number | false;
  readonly staleIfError?: number;
}

/** Chooses the policy of an image. */
export type PolicyOf = (image: ImageRequest, target: string) => FreshnessPolicy;

const CONDITIONS = ['source', 'path', 'operation'] as const;
const EFFECTS = [
  'cache',
  'ttl',
  'minTtl',
  'maxTtl',
  'browserTtl',
  'originCacheControl',
  'staleWhileRevalidate',
  'staleIfError',
] as const;

/**
 * The policies of the settings and the rules.
 *
 * @throws SettingsError with everything that is wrong with either.
 */
export function imagePolicies(settings: FreshnessSettings, rules: readonly CacheRule[] = []): PolicyOf {
  const usual = imagePolicy(settings);
  const problems: SettingsProblem[] = [];
  const compiled = rules.map((rule, index) => {
    const variable = `cacheRules[${index}]`;
    const unknown = Object.keys(rule).find((name) => ![...CONDITIONS, ...EFFECTS].some((known) => known === name));
    if (unknown !== undefined) {
      const message = `${variable} has the unknown member ${unknown}; expected ${[...CONDITIONS, ...EFFECTS].join(', ')}.`;
      problems.push({ variable, message });
    }
    const strange = list(rule.operation).find((name) => !Object.hasOwn(NO_OPERATIONS, name));
    if (strange !== undefined) {
      const message = `${variable} names the operation ${JSON.stringify(strange)}; expected one of ${Object.keys(NO_OPERATIONS).join(', ')}.`;
      problems.push({ variable, message });
    }
    try {
      return { fits: condition(rule), policy: ruled(rule, settings, usual) };
    } catch (error) {
      problems.push({ variable, message: `${variable}: ${error instanceof Error ? error.message : String(error)}` });
      return { fits: () => false, policy: usual };
    }
  });
  if (problems.length > 0) throw new SettingsError(problems);
  if (compiled.length === 0) return () => usual;
  return (image, target) => compiled.find(({ fits }) => fits(image, target))?.policy ?? usual;
}

function ruled(rule: CacheRule, settings: FreshnessSettings, usual: FreshnessPolicy): FreshnessPolicy {
  const { cache, ttl, minTtl, maxTtl, browserTtl, originCacheControl, staleWhileRevalidate, staleIfError } = rule;
  const options: PolicyOptions = {
    ...imagePolicyOptions(settings, []),
    ...(ttl === undefined ? {} : { edgeTtl: ttl }),
    ...(minTtl === undefined ? {} : { minTtl }),
    ...(maxTtl === undefined ? {} : { maxTtl }),
    ...(browserTtl === undefined ? {} : { browserTtl }),
    ...(originCacheControl === undefined ? {} : { originCacheControl }),
    ...(staleWhileRevalidate === undefined ? {} : { staleWhileRevalidate }),
    ...(staleIfError === undefined ? {} : { staleIfError, staleIfDisconnected: staleIfError }),
  };
  return createFreshnessPolicy({ ...usual, http: createPolicy(options), cached: cache ?? true });
}

function condition({ source, path, operation }: CacheRule): (image: ImageRequest, target: string) => boolean {
  const sources = list(source).map(pattern);
  const paths = list(path).map(pattern);
  const operations = list(operation) as readonly (keyof Operations)[];
  return (image, target) =>
    (source === undefined || sources.some((wanted) => wanted.test(image.source))) &&
    (path === undefined || paths.some((wanted) => wanted.test(target))) &&
    (operation === undefined || operations.some((name) => isAskedFor(image, name)));
}

function isAskedFor({ mode, operations }: ImageRequest, name: keyof Operations): boolean {
  return mode === 'transform' && canonicalJson(operations[name]) !== canonicalJson(NO_OPERATIONS[name]);
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function pattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');
}
