import { availableParallelism } from 'node:os';
import type { Container } from 'inversify';
import { isLoopbackBind } from '../config/bind.ts';
import { type CoreSettings, checkCoreSettings, coreSection } from '../config/core-options.ts';
import { type EffectiveSetting, type SettingsInput, SettingsReader } from '../config/settings-reader.ts';
import type { KeyRing } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { StorageDescriptor } from '../contracts/plugin.ts';
import type { ImageProxy } from '../contracts/proxy.ts';
import { SettingsError } from '../contracts/settings-error.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { Transformer } from '../contracts/transformer.ts';
import type { EndpointDefinition } from '../endpoints/definition.ts';
import { type Endpoint, readEndpoints } from '../endpoints/endpoint.ts';
import { Negatives } from '../freshness/negatives.ts';
import { createFreshnessPolicy } from '../freshness/policy.ts';
import { type CacheRule, imagePolicies } from '../freshness/rules.ts';
import { imagePolicy } from '../freshness/settings.ts';
import { Admission } from '../pipeline/admission.ts';
import { allowedSources } from '../pipeline/allowed-sources.ts';
import { Capacity } from '../pipeline/capacity.ts';
import { Negotiator } from '../pipeline/client-variants.ts';
import { randomPseudonym } from '../pipeline/hops.ts';
import { NEGOTIABLE, type NegotiationRules } from '../pipeline/negotiation.ts';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.ts';
import { ResultCache } from '../pipeline/results.ts';
import { Secret } from '../pipeline/secret.ts';
import { Sources } from '../pipeline/sources.ts';
import type { PurgeOptions, PurgeReport, PurgeSelection } from '../purges/purge.ts';
import { PurgeBook } from '../purges/purge-book.ts';
import { SourceCache } from '../sources/source-cache.ts';
import { createStorage } from '../storage/create-storage.ts';
import { timed } from '../storage/timed.ts';
import { withBreaker } from '../storage/with-breaker.ts';
import { chooseEndpointParts } from './choose-endpoints.ts';
import { chooseDialect, chooseOrigins, chooseTransformer } from './choose-parts.ts';
import { chooseStorage, type WrapTier } from './choose-storage.ts';
import { ComposedProxy } from './composed-proxy.ts';
import type { Plugin } from './define-plugin.ts';
import { all, type Index, indexById } from './descriptors.ts';
import { DAY_MS, expirationOf } from './expiration.ts';
import { loadPlugins } from './load-plugins.ts';
import { LocalCoordinator } from './local-coordinator.ts';
import { memoryBudget } from './memory-budget.ts';
import { StorageHealth } from './storage-health.ts';
import { type Clock, tokens } from './tokens.ts';

/** Longest time for a lookup before it counts as a miss, in milliseconds. */
const LOOKUP_DEADLINE_MS = { local: 250, remote: 1_000 };

export interface ProxyDefinition {
  /** What the proxy is composed of. The order does not matter. */
  readonly plugins: readonly Plugin[];
  /** Settings by camelCase name, as in the config file: `{ cacheUse: 'fs', cacheFsRoot: './cache' }`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Paths with origins of their own, as in the config file. */
  readonly endpoints?: readonly EndpointDefinition[];
  /**
   * Further places to read settings from, the environment for one: `{ env: process.env }`. They win
   * over `settings`. By default nothing outside of the definition is read.
   */
  readonly input?: SettingsInput;
  /** What is to be done with some of the images: see `CacheRule`. In a config file, `cacheRules`. */
  readonly cacheRules?: readonly CacheRule[];
  /** Called once everything is bound: look parts up, rebind or wrap them, by `tokens`. */
  readonly configure?: (container: Container) => void;
}

/** A proxy with the settings it was made with. */
export interface ConfiguredProxy extends ImageProxy {
  readonly settings: CoreSettings;
  /** Every setting in force and where it came from, secrets hidden. */
  readonly effective: readonly EffectiveSetting[];
  /** What is odd in the settings without being wrong. */
  readonly warnings: readonly string[];
  /** The paths with origins of their own, and whether images are made there or responses passed on. */
  readonly endpoints: readonly { readonly path: string; readonly makesImages: boolean }[];
  /** Every part, by `tokens`. */
  readonly container: Container;
  /**
   * Tells all that the coordinator reaches to use nothing any more that was asked for until now, and removes it
   * from the storages of this proxy, which are opened if they are not.
   */
  purge(selection: PurgeSelection, options?: PurgeOptions): Promise<PurgeReport>;
}

/**
 * Composes a proxy of plugins. No I/O: that begins with `open`.
 *
 * @throws SettingsError with everything that is wrong with the settings.
 */
export async function createProxy(definition: ProxyDefinition): Promise<ConfiguredProxy> {
  const container = await loadPlugins(definition.plugins);
  const reader = new SettingsReader(settingsInput(definition));
  const settings = reader.read(coreSection);
  checkCoreSettings(settings, reader);
  const endpoints = readEndpoints(
    definition.endpoints ?? definition.input?.file?.endpoints,
    definition.input?.file?.name ?? 'createProxy',
    reader,
  );

  const storages = indexById(container, tokens.storageDescriptors, 'the storage');
  const chosenStorage = chooseStorage(cachingSettings(settings, endpoints, storages), storages, reader);
  const chosenSources = chooseStorage(settings, storages, reader, 'SOURCES');
  const chosenTransformer = container.isBound(tokens.transformer)
    ? undefined
    : chooseTransformer(settings, indexById(container, tokens.transformerDescriptors, 'the transformer'), reader);
  const dialects = indexById(container, tokens.dialectDescriptors, 'the dialect');
  const makeDialect = container.isBound(tokens.dialect) ? undefined : chooseDialect(settings, dialects, reader);
  const originDescriptors = indexById(container, tokens.originDescriptors, 'the origin');
  const makeOrigins = chooseOrigins(originDescriptors, reader);
  const endpointParts = chooseEndpointParts(endpoints, { origins: originDescriptors, dialects, settings, reader });
  const isAllowed = collecting(reader, () => allowedSources(settings.allowedSources));
  const rules = definition.cacheRules ?? definition.input?.file?.cacheRules ?? [];
  const policy = collecting(reader, () => imagePolicy(settings)) ?? createFreshnessPolicy();
  const policyOf = collecting(reader, () => imagePolicies(settings, rules)) ?? (() => policy);
  // Parts are built before `finish`, without I/O, so that what only a part can find wrong with its
  // options is reported together with everything else.
  const tell: { emit: (event: ProxyEvent) => void; purges?: PurgeBook; clock: Clock } = {
    emit: () => undefined,
    clock: Date.now,
  };
  const ownHealth = new StorageHealth((event) => tell.emit(event));
  const hearsOperations = all(container, tokens.observers).some((observer) => observer.hearsOperations);
  const sourceHealth = new StorageHealth((event) => tell.emit(event));
  const onOpenError = (error: unknown) => {
    const code = StorageError.is(error) ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    tell.emit({ type: 'cache-error', operation: 'open', code, message });
  };
  /** Around each tier: its pace and state are told under `name`. */
  const around =
    (health: StorageHealth, name: (id: string) => string): WrapTier =>
    (tier, { id, remote }) => {
      health.add(name(id), tier);
      return withBreaker(hearsOperations ? timed(tier, name(id), (event) => tell.emit(event)) : tier, {
        readDeadlineMs: lookupDeadlineMs(settings, remote),
        onChange: (access, state, code) => health.change(name(id), access, state, code),
      });
    };
  const adapter = collecting(reader, () =>
    chosenStorage?.build(
      around(ownHealth, (id) => id),
      onOpenError,
      () => tell.purges?.forgottenAt ?? Number.NEGATIVE_INFINITY,
    ),
  );
  const sourceName = (id: string) => `sources ${id}`;
  const sourceAdapter = collecting(reader, () => chosenSources?.build(around(sourceHealth, sourceName), onOpenError));
  const transformer = collecting(reader, () => chosenTransformer?.build());
  const dialect = collecting(reader, () => makeDialect?.());
  const origins =
    collecting(reader, () =>
      makeOrigins({ downloadTimeout: settings.downloadTimeout, isAllowed: isAllowed ?? (() => false) }),
    ) ?? [];
  if (settings.cachePresetsOnly && dialect !== undefined && dialect.presetsOf === undefined) {
    const variable = 'TINTYPE_CACHE_PRESETS_ONLY';
    reader.problem(variable, `${variable} is true, and the URL dialect has no presets: nothing would be kept.`);
  }
  const { effective, warnings } = reader.finish();
  container.bind(tokens.settings).toConstantValue(settings);

  if (adapter && chosenStorage && !container.isBound(tokens.resultStorage)) {
    const { cacheExpirationDays: days } = settings;
    // Not the container's: a storage may outlive it.
    const expiresAt = (metadata: EntryMetadata) => expirationOf(metadata, days, tell.clock());
    const options = { name: chosenStorage.name, ...(days > 0 && { expiresAt }) };
    container.bind(tokens.resultStorage).toConstantValue(createStorage(adapter, options));
  }
  if (sourceAdapter && chosenSources && !container.isBound(tokens.sourceStorage)) {
    const name = sourceName(chosenSources.name);
    container.bind(tokens.sourceStorage).toConstantValue(createStorage(sourceAdapter, { name }));
  }
  container.bind(tokens.storageHealth).toConstantValue(ownHealth);
  container.bind(tokens.capacity).toConstantValue(
    new Capacity({
      workers: settings.workers ?? 2 * availableParallelism(),
      queue: orUnlimited(settings.requestsQueueSize),
      downloadsPerHost: orUnlimited(settings.maxDownloadsPerHost),
      memory: memoryBudget(settings.memoryBudget),
    }),
  );
  if (transformer && chosenTransformer) {
    container.bind(tokens.transformerChoice).toConstantValue(chosenTransformer.choice);
    container.bind(tokens.transformer).toConstantValue(transformer);
  }
  if (dialect) container.bind(tokens.dialect).toConstantValue(dialect);
  if (!container.isBound(tokens.clock)) container.bind(tokens.clock).toConstantValue(Date.now);
  if (!container.isBound(tokens.coordinator))
    container.bind(tokens.coordinator).toConstantValue(new LocalCoordinator());
  if (!container.isBound(tokens.purges)) container.bind(tokens.purges).toConstantValue(new PurgeBook());
  definition.configure?.(container);

  const observers = all(container, tokens.observers);
  const emit = (event: ProxyEvent): void => {
    for (const observer of observers) {
      try {
        observer.observe(event);
      } catch {
        // An observer must never cost anybody an image.
      }
    }
  };
  tell.emit = emit;
  const storage = container.isBound(tokens.resultStorage) ? container.get(tokens.resultStorage) : undefined;
  const parts = {
    transformer: container.get(tokens.transformer),
    dialect: container.get(tokens.dialect),
    coordinator: container.get(tokens.coordinator),
  };
  const keys = keyRing(settings);
  const purges = container.get(tokens.purges);
  tell.purges = purges;
  tell.clock = container.get(tokens.clock);
  const health = container.get(tokens.storageHealth);
  const capacity = container.get(tokens.capacity);
  const sourceStorage = container.isBound(tokens.sourceStorage) ? container.get(tokens.sourceStorage) : undefined;
  const sourceCache = (storage: CacheStorage) =>
    new SourceCache({
      storage,
      identity: originIdentity(effective, settings),
      maxBytes: orUnlimited(settings.sourcesMaxFileSize),
      lookupDeadlineMs: lookupDeadlineMs(settings, chosenSources?.remote ?? false),
      spoolMemory: capacity.spoolMemory,
      clock: container.get(tokens.clock),
      emit,
      purges,
    });
  const pipelineOptions: PipelineOptions = {
    dialect: parts.dialect,
    keys,
    isAllowed: isAllowed ?? (() => false),
    key: {
      revision: parts.transformer.revision,
      keyHeaders: settings.cacheKeyHeaders.map((name) => name.toLowerCase()).sort(),
      keyCookies: [...settings.cacheKeyCookies].sort(),
    },
    pseudonym: settings.pseudonym || randomPseudonym(),
    negotiator: negotiatorOf(settings, parts.transformer),
    sources: new Sources(
      origins.map(({ origin }) => origin),
      {
        maxBytes: settings.maxSrcFileSize,
        askAgainMs: settings.fetchAgainAfter === 0 ? Number.POSITIVE_INFINITY : settings.fetchAgainAfter * 1_000,
        cache: sourceStorage && sourceCache(sourceStorage),
        clock: container.get(tokens.clock),
        emit,
      },
    ),
    negatives: new Negatives(purges),
    purges,
    maxBackground: settings.workers ?? 2 * availableParallelism(),
    policyOf,
    transformer: parts.transformer,
    transforms: capacity.transforms,
    intake: capacity.intake,
    memory: capacity.memory,
    spoolMemory: capacity.spoolMemory,
    overloadStatus: Number(settings.overloadStatus),
    results: storage
      ? new ResultCache({
          storage,
          lookupDeadlineMs: lookupDeadlineMs(settings, chosenStorage?.remote ?? false),
          reportErrors: settings.cacheReportErrors,
          queue: capacity.stores,
          paused: () => health.paused,
          ...(isOpenToStrangers(settings)
            ? { admission: new Admission(orUnlimited(settings.maxVariantsPerSource)) }
            : {}),
          emit,
          purges,
          ...(settings.cacheExpirationDays > 0 && { expirationMs: settings.cacheExpirationDays * DAY_MS }),
        })
      : undefined,
    limits: {
      // 0 is how the settings say "no limit".
      maxSourcePixels: settings.maxSrcResolution || Number.MAX_SAFE_INTEGER,
      maxFrames: settings.maxAnimationFrames || Number.MAX_SAFE_INTEGER,
      maxResultDimension: settings.maxResultDimension || Number.MAX_SAFE_INTEGER,
    },
    timeoutMs: settings.timeout * 1_000,
    reportErrors: settings.cacheReportErrors,
    clock: container.get(tokens.clock),
    emit,
  };
  const served = endpointParts?.serve(pipelineOptions, {
    storage,
    coordinator: parts.coordinator,
    origins: origins.map(({ origin }) => origin),
    lookupDeadlineMs: lookupDeadlineMs(settings, chosenStorage?.remote ?? false),
    paused: () => health.paused,
    reportErrors: settings.cacheReportErrors,
    failureTtl: policy.http.defaultTtl,
  });
  const unsubscribe = parts.coordinator.subscribe((purge) => {
    // Each of several proxies has a storage to remove it from; what they remember they may share.
    purges.note(purge);
    served?.hear(purge);
  });
  return new ComposedProxy({
    unsubscribe,
    secret: settings.secret === '' ? undefined : new Secret(settings.secret),
    pipeline: new Pipeline(pipelineOptions),
    served,
    storage,
    sourceStorage,
    sourceHealth,
    origins,
    keys,
    emit,
    health,
    capacity,
    settings,
    effective,
    warnings: [...warnings, ...unwritable(settings, parts.transformer)],
    container,
    ...parts,
  });
}

/** Only of what the transformer can write: a client would get an error in place of its image. */
function negotiatorOf(settings: CoreSettings, { supports }: Transformer): Negotiator | undefined {
  const writable = NEGOTIABLE.filter((format) => supports.outputFormats.includes(format));
  const rules: NegotiationRules = {
    auto: writable.filter((format) => settings[AUTO[format]]),
    enforced: writable.filter((format) => settings[ENFORCED[format]]),
    clientHints: settings.enableClientHints,
  };
  const isOff = rules.auto.length + rules.enforced.length === 0 && !rules.clientHints;
  return isOff ? undefined : new Negotiator(rules);
}

/** A warning for each format that is asked for and cannot be written. */
function unwritable(settings: CoreSettings, { supports }: Transformer): readonly string[] {
  return NEGOTIABLE.filter((format) => !supports.outputFormats.includes(format)).flatMap((format) =>
    [AUTO[format], ENFORCED[format]]
      .filter((setting) => settings[setting])
      .map((setting) => {
        const variable = `TINTYPE_${setting.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
        return `${variable} has no effect: the transformer in use does not write ${format}.`;
      }),
  );
}

const AUTO = { webp: 'autoWebp', avif: 'autoAvif', jxl: 'autoJxl' } as const;
const ENFORCED = { webp: 'enforceWebp', avif: 'enforceAvif', jxl: 'enforceJxl' } as const;

/** Which origins there are, and what they and the operator allow: a copy fetched under other rules is not used. */
function originIdentity(effective: readonly EffectiveSetting[], { allowedSources }: CoreSettings): string {
  const rules = effective.filter(({ section }) => section.startsWith('Origin '));
  return JSON.stringify([allowedSources, rules.map(({ variable, value }) => [variable, value])]);
}

/** An endpoint is a cache: where the settings name no storage for it, memory is one. */
function cachingSettings(
  settings: CoreSettings,
  endpoints: readonly Endpoint[],
  storages: Index<StorageDescriptor>,
): CoreSettings {
  const { cacheUse, cacheTiers } = settings;
  const isNamed = cacheUse !== '' || cacheTiers.length > 0;
  const needsOne = endpoints.some(({ cache }) => cache);
  return isNamed || !needsOne || !storages.has('memory') ? settings : { ...settings, cacheUse: 'memory' };
}

/** 0 is how the settings say "no limit". */
function orUnlimited(setting: number): number {
  return setting === 0 ? Number.POSITIVE_INFINITY : setting;
}

/**
 * Whether URLs are not signed and others than this machine's users ask for them. A composer whose own
 * server listens elsewhere than `bind` says so with `allowUnsigned`.
 */
function isOpenToStrangers({ key, bind, allowUnsigned }: CoreSettings): boolean {
  return key.length === 0 && (allowUnsigned || !isLoopbackBind(bind));
}

function lookupDeadlineMs(settings: CoreSettings, remote: boolean): number {
  const { cacheLookupTimeout } = settings;
  return cacheLookupTimeout === undefined
    ? LOOKUP_DEADLINE_MS[remote ? 'remote' : 'local']
    : cacheLookupTimeout * 1_000;
}

function settingsInput({ input = {}, settings }: ProxyDefinition): SettingsInput {
  if (settings === undefined) return input;
  if (input.file !== undefined) throw new TypeError('Give settings either as `settings` or as `input.file`.');
  return { ...input, file: { name: 'createProxy', settings } };
}

/** Runs `build`; what it finds wrong with the settings goes to the reader. */
function collecting<T>(reader: SettingsReader, build: () => T): T | undefined {
  try {
    return build();
  } catch (error) {
    if (SettingsError.is(error)) {
      for (const { variable, message } of error.problems) reader.problem(variable, message);
      return undefined;
    }
    // A part that chokes on the placeholder of a wrong setting must not hide the setting.
    if (reader.hasProblems) return undefined;
    throw error;
  }
}

function keyRing(settings: CoreSettings): KeyRing | undefined {
  if (settings.key.length === 0) return undefined;
  const pairs = settings.key.map((key, index) => ({ key, salt: settings.salt[index] ?? new Uint8Array(0) }));
  return { pairs, size: settings.signatureSize, trusted: settings.trustedSignatures };
}
