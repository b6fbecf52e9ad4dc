export { BufferedBody, collect, freeExpendable, freeIfWhole, passingBack, StreamedBody } from './bodies.ts';
export { readable, whole } from './cloud/answer-body.ts';
export { Backend, type BackendAccess } from './cloud/backend.ts';
export { endpointUrl } from './cloud/endpoint-url.ts';
export { etagOfVersion, versionOfEtag } from './cloud/etag-version.ts';
export { type FoundEntry, foundEntry } from './cloud/found-entry.ts';
export { LeftOvers } from './cloud/left-overs.ts';
export { type NativeMetadata, storedMetadata, toNativeMetadata } from './cloud/native-metadata.ts';
export { isNeverSent, networkVerdict, syscallOf, type Verdict } from './cloud/network-failure.ts';
export { conditionFields, type ObjectConditions, ofWhole } from './cloud/object-conditions.ts';
export { type BucketLists, ObjectOrigin, type ObjectService } from './cloud/object-origin.ts';
export { emptyResponse, type FoundObject, objectResponse, objectState } from './cloud/object-response.ts';
export type { ObjectSource } from './cloud/object-source.ts';
export { asOriginError } from './cloud/origin-failure.ts';
export { type Part, parts } from './cloud/parts.ts';
export { type PartedUpload, putInParts } from './cloud/put-in-parts.ts';
export { rangeField } from './cloud/range-fields.ts';
export { preconditionFailed, unsupported } from './cloud/refusals.ts';
export {
  type BucketListOptions,
  boundedTimeout,
  bucketListOptions,
  type Complain,
  checkOptions,
  connectionOptions,
  socketOptions,
} from './cloud/service-options.ts';
export { shownAddress } from './cloud/shown-address.ts';
export { isListedKey, requiredBucket } from './cloud/storage-bucket.ts';
export {
  asForbiddenListing,
  type FailureContext,
  type ServiceFailure,
  type ServiceFailures,
  toStorageError,
  type Verdicts,
} from './cloud/storage-failure.ts';
export { unlessAborted } from './cloud/unless-aborted.ts';
export { formatBind, isLoopbackBind, parseBind } from './config/bind.ts';
export { type CoreSettings, checkCoreSettings, coreOptions, coreSection } from './config/core-options.ts';
export { type Config, defineConfig, type FileSetting, type FileSettings } from './config/define-config.ts';
export { editDistance, nearestName } from './config/nearest-name.ts';
export { partSection, sectionsOf, storageSection } from './config/sections.ts';
export { camelCase, flagName, IMGPROXY_PREFIX, prefixOfId, VARIABLE_PREFIX } from './config/setting-names.ts';
export {
  type EffectiveSetting,
  HIDDEN,
  otherVariables,
  type Section,
  type SettingSource,
  type SettingsInput,
  SettingsReader,
} from './config/settings-reader.ts';
export { isLoopbackOnly, whyNotListen } from './config/unsigned-bind.ts';
export { type ConfiguredProxy, createProxy, type ProxyDefinition } from './container/create-proxy.ts';
export { createTransformer } from './container/create-transformer.ts';
export { definePlugin, isPlugin, type Plugin, type PluginRegistry } from './container/define-plugin.ts';
export { LocalCoordinator } from './container/local-coordinator.ts';
export { memoryBudget, memoryLimit } from './container/memory-budget.ts';
export type { StorageHealth } from './container/storage-health.ts';
export { storageMaker } from './container/storage-maker.ts';
export { type Clock, type Registered, type Tokens, type TransformerChoice, token, tokens } from './container/tokens.ts';
export type { Body, BodyFile, ByteStream } from './contracts/body.ts';
export { type Consistency, MIN_METADATA_BYTES, type StorageCapabilities } from './contracts/capabilities.ts';
export type { Coordinator, Lease, PurgeAnnouncement } from './contracts/coordinator.ts';
export {
  type Dialect,
  type DialectRequest,
  type ImageRequest,
  type KeyRing,
  type PresetUse,
  RequestError,
  type ResponseOptions,
  type Signature,
} from './contracts/dialect.ts';
export type { EntryMetadata, HeaderPair, Json } from './contracts/entry-metadata.ts';
export type { HttpFields } from './contracts/http-fields.ts';
export type { CacheOutcome, Observer, ProxyEvent, StoreDropReason } from './contracts/observer.ts';
export {
  type Compass,
  type Gravity,
  NO_OPERATIONS,
  type Operations,
  type ResizeType,
  type Rgb,
} from './contracts/operations.ts';
export {
  type Bind,
  defineOptions,
  type OptionKind,
  type OptionKinds,
  type OptionSpec,
  type OptionsOf,
  type OptionTable,
} from './contracts/options.ts';
export {
  type Origin,
  OriginError,
  type OriginErrorCode,
  type OriginRequest,
  type OriginResponse,
} from './contracts/origin.ts';
export type {
  DialectDescriptor,
  DialectScope,
  OriginDescriptor,
  OriginScope,
  StorageDescriptor,
  StorageScope,
  TransformerDescriptor,
  UpstreamScope,
} from './contracts/plugin.ts';
export type { ImageProxy, ProxyLoad, ProxyRequest, ProxyResponse } from './contracts/proxy.ts';
export { SettingsError, type SettingsProblem } from './contracts/settings-error.ts';
export type {
  BodySource,
  CacheStorage,
  ConditionalOptions,
  GetHit,
  GetOptions,
  GetRangeNotSatisfiable,
  ListOptions,
  OperationOptions,
  PutInput,
  PutOptions,
  StatResult,
  StorageCounters,
} from './contracts/storage.ts';
export type {
  Awaitable,
  ByteRange,
  CheckResult,
  Entry,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  RangeNotSatisfiable,
  StorageAdapter,
  StorageUsage,
  StoredMetadata,
  Version,
  VersionCondition,
} from './contracts/storage-adapter.ts';
export {
  StorageError,
  type StorageErrorCode,
  type StorageErrorInit,
  type StorageOperation,
} from './contracts/storage-error.ts';
export { MAX_KEY_BYTES, type StorageKey, storageKey, whyNotAKey } from './contracts/storage-key.ts';
export {
  type ImageFormat,
  type OutputRequest,
  TransformError,
  type TransformErrorCode,
  type Transformer,
  type TransformLimits,
  type TransformRequest,
  type TransformResult,
} from './contracts/transformer.ts';
export type { Upstream, UpstreamRequest, UpstreamResponse } from './contracts/upstream.ts';
export type { EndpointDefinition } from './endpoints/definition.ts';
export { formatBytes } from './format-bytes.ts';
export type { CacheRule } from './freshness/rules.ts';
export { LentBuffers } from './lent-buffers.ts';
export type { Capacity, CapacityLimits } from './pipeline/capacity.ts';
export { MemoryGate } from './pipeline/memory-gate.ts';
export type { PurgedPart, PurgeOptions, PurgeReport, PurgeSelection } from './purges/purge.ts';
export { type Purgeable, PurgeBook } from './purges/purge-book.ts';
export type { PurgedCount, PurgeProgress } from './purges/purge-entries.ts';
export { resolveRange } from './storage/byte-range.ts';
export { createStorage, type StorageOptions } from './storage/create-storage.ts';
export { decodeMetadata, encodeMetadata } from './storage/metadata-codec.ts';
export { isAllOwn } from './storage/own-storage.ts';
export { prefixed, whyNotAPrefix } from './storage/prefixed.ts';
export { DEFAULT_RETRY, type RetryPolicy } from './storage/retry.ts';
export { type TieredOptions, tiered } from './storage/tiered.ts';
export { type BreakerSettings, withBreaker } from './storage/with-breaker.ts';
