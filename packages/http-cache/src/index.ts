export { type AgeOptions, currentAge, dateOf, type ExchangeTimes, initialAge, parseAge } from './age.ts';
export { type Answer, type Answerable, answerFromEntry, downstreamFields, withBrowserTtl } from './answer.ts';
export { type CacheControl, MAX_DELTA_SECONDS, NO_DIRECTIVES, parseCacheControl } from './cache-control.ts';
export {
  CACHE_OUTCOMES,
  type CacheOutcome,
  type CacheStatus,
  cacheStatus,
  type ForwardReason,
  remainingTtl,
} from './cache-status.ts';
export {
  evaluateConditions,
  ifRangeHolds,
  namesTag,
  notModifiedFields,
  revalidationFields,
  type Selected,
  strongMatch,
  unconditionalFields,
  weakMatch,
} from './conditional.ts';
export { type CacheEntry, readEntry, readFreshness } from './entry.ts';
export {
  type FieldPair,
  type Fields,
  fieldLines,
  fieldPairs,
  fieldValue,
  hasField,
  hopByHopNames,
  listMembers,
  withoutFields,
} from './fields.ts';
export { type FreshenDecision, freshen, freshenByHead, type Validation } from './freshen.ts';
export {
  type Freshness,
  invalidatedAt,
  isFresh,
  isNoCache,
  jittered,
  leastFreshness,
  refreshEarly,
} from './freshness.ts';
export { formatHttpDate, parseHttpDate } from './http-date.ts';
export { invalidationTargets, isSafeMethod } from './invalidate.ts';
export {
  explicitLifetime,
  impliedLifetime,
  type Lifetime,
  type LifetimeBasis,
  type LifetimeInput,
  overridingLifetime,
} from './lifetime.ts';
export {
  CLOUDFLARE_DEFAULT_TTL,
  COLUMNS,
  type Column,
  createPolicy,
  DEFAULT_MAX_TTL,
  HEURISTICALLY_CACHEABLE,
  type Policy,
  type PolicyOptions,
  type StatusSeconds,
  secondsFor,
} from './policy.ts';
export {
  answerFromPart,
  answerRange,
  type ByteSpan,
  contentRange,
  parseContentRange,
  parseRange,
  partOf,
  type RangeAnswer,
  type RangeSpec,
  resolveRange,
  restOf,
  type StoredPart,
} from './range.ts';
export { selectEntry } from './select.ts';
export { decideFailure, decideServe, type FailureDecision, type OriginFailure, type ServeDecision } from './serve.ts';
export {
  decideStore,
  type Exchange,
  type RequestHead,
  type ResponseHead,
  responseControl,
  type StoreDecision,
  type StoreRefusal,
} from './store.ts';
export { DEFAULT_TARGETS, parseTargetedField, targetedCacheControl } from './targeted.ts';
export {
  languageMatches,
  type Normalisers,
  normalisePreferences,
  secondaryKey,
  type VaryKey,
  varyKey,
  varyMatches,
  varyNames,
} from './vary.ts';
