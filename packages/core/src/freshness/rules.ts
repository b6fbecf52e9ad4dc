import { createPolicy, type PolicyOptions } from '@tintype/http-cache';
import type { Dialect, ImageRequest, PresetUse } from '../contracts/dialect.ts';
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
  /** Patterns of the names of presets, one of which the URL names: `thumb-*`. */
  readonly preset?: string | readonly string[];
  /**
   * `true`: the URL asks for presets and nothing else; a format, a cache buster and what shapes only the
   * response may stand beside them. `false`: for anything else.
   */
  readonly presetsOnly?: boolean;
  /** `false`: neither looked up nor stored. `true` also where `TINTYPE_CACHE_PRESETS_ONLY` says otherwise. */
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

/** Chooses the policy of an image. `dialect`: the one that the target is written in. */
export type PolicyOf = (image: ImageRequest, target: string, dialect?: PresetReader) => FreshnessPolicy;

/** What tells the presets of a URL; one without `presetsOf` has none. */
export type PresetReader = Pick<Dialect, 'presetsOf'>;

const CONDITIONS = ['source', 'path', 'operation', 'preset', 'presetsOnly'] as const;
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
    if (rule.presetsOnly !== undefined && typeof rule.presetsOnly !== 'boolean') {
      const message = `${variable}.presetsOnly is ${JSON.stringify(rule.presetsOnly)}; expected true or false.`;
      problems.push({ variable, message });
    }
    try {
      return { fits: condition(rule), decides: rule.cache !== undefined, policy: ruled(rule, settings, usual) };
    } catch (error) {
      problems.push({ variable, message: `${variable}: ${error instanceof Error ? error.message : String(error)}` });
      return { fits: () => false, decides: false, policy: usual };
    }
  });
  if (problems.length > 0) throw new SettingsError(problems);
  const { cachePresetsOnly } = settings;
  if (compiled.length === 0 && !cachePresetsOnly) return () => usual;
  const notKept = new Map([usual, ...compiled.map(({ policy }) => policy)].map((policy) => [policy, unkept(policy)]));
  return (image, target, dialect) => {
    const asked = new Asked(image, target, dialect);
    const rule = compiled.find(({ fits }) => fits(asked));
    const policy = rule?.policy ?? usual;
    if (!cachePresetsOnly || rule?.decides === true || asked.presets.alone) return policy;
    return notKept.get(policy) ?? policy;
  };
}

/** A URL as conditions see it. Its presets are read when a condition asks for them. */
class Asked {
  readonly image: ImageRequest;
  readonly target: string;
  readonly #dialect: PresetReader | undefined;
  #presets: PresetUse | undefined;

  constructor(image: ImageRequest, target: string, dialect: PresetReader | undefined) {
    this.image = image;
    this.target = target;
    this.#dialect = dialect;
  }

  get presets(): PresetUse {
    // What is passed on as it is uses no preset, whatever its URL names.
    if (this.image.mode === 'raw') return NO_PRESETS;
    this.#presets ??= this.#dialect?.presetsOf?.({ target: this.target }) ?? NO_PRESETS;
    return this.#presets;
  }
}

const NO_PRESETS: PresetUse = { names: [], alone: false };

function unkept(policy: FreshnessPolicy): FreshnessPolicy {
  return createFreshnessPolicy({ ...policy, cached: false });
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

function condition({ source, path, operation, preset, presetsOnly }: CacheRule): (asked: Asked) => boolean {
  const sources = list(source).map(pattern);
  const paths = list(path).map(pattern);
  const operations = list(operation) as readonly (keyof Operations)[];
  const presets = list(preset).map(pattern);
  return (asked) =>
    (source === undefined || sources.some((wanted) => wanted.test(asked.image.source))) &&
    (path === undefined || paths.some((wanted) => wanted.test(asked.target))) &&
    (operation === undefined || operations.some((name) => isAskedFor(asked.image, name))) &&
    (preset === undefined || presets.some((wanted) => asked.presets.names.some((name) => wanted.test(name)))) &&
    (presetsOnly === undefined || asked.presets.alone === presetsOnly);
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
