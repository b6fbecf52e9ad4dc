/** The boolean members of `StorageCapabilities`. */
export type BooleanCapability =
  | 'conditionalCreate'
  | 'conditionalReplace'
  | 'conditionalMetadata'
  | 'conditionalDelete'
  | 'ranges'
  | 'versionCoversMetadata'
  | 'evicts'
  | 'nativeExpiry';

/**
 * What must be so for a requirement to apply at all. Where it isn't, its tests are skipped with the
 * reason, never passed.
 *
 * `not:x` is the other direction: it applies where the capability `x` is *not* declared. `hook:x`
 * asks for something that only the harness of a backend can do.
 */
export type Need =
  | BooleanCapability
  | `not:${BooleanCapability}`
  | 'strong-reads'
  | 'eventual-reads'
  | 'strong-lists'
  | 'eventual-lists'
  | 'store-scope'
  | 'durable'
  | 'finite-size'
  | 'hook:sibling'
  | 'hook:leaks'
  | 'hook:sabotage'
  | 'hook:network'
  | 'hook:misconfigured'
  | 'hook:crash'
  | 'hook:capped';

/** One rule, as data. Tests, the documentation page and reports are made from it. */
export interface Requirement {
  /** Stable for ever: `put.overwrite-is-whole`. */
  readonly id: string;
  /** A `must` that fails makes a storage unfit; a `should` is told and counted. */
  readonly level: 'must' | 'should';
  /** The rule in one sentence. */
  readonly rule: string;
  readonly needs?: readonly Need[];
  /** The sentence of the contract, the RFC or the incident that it comes from. */
  readonly source: string;
}
