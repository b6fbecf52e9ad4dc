import type { ServiceIdentifier } from 'inversify';
import type { CoreSettings } from '../config/core-options.ts';
import type { Coordinator } from '../contracts/coordinator.ts';
import type { Dialect } from '../contracts/dialect.ts';
import type { Observer } from '../contracts/observer.ts';
import type {
  DialectDescriptor,
  OriginDescriptor,
  StorageDescriptor,
  TransformerDescriptor,
} from '../contracts/plugin.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import type { Transformer } from '../contracts/transformer.ts';

import type { Capacity } from '../pipeline/capacity.ts';
import type { PurgeBook } from '../purges/purge-book.ts';
import type { StorageHealth } from './storage-health.ts';

/**
 * A typed name for a part in the container. Never annotate the constant itself with
 * `ServiceIdentifier<T>`: TypeScript then infers `unknown` where it is used.
 */
export function token<T>(name: string): ServiceIdentifier<T> {
  return Symbol.for(name);
}

/** A descriptor with the plugin that brought it, so that a duplicate id can name both. */
export interface Registered<D> {
  readonly plugin: string;
  readonly descriptor: D;
}

/** Which transformer the settings chose, and its parsed options: enough to make it elsewhere. */
export interface TransformerChoice {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Milliseconds since the epoch. */
export type Clock = () => number;

/**
 * Every part that a composer may look at, rebind or wrap. The first four are multi-bound and hold
 * what plugins brought; `resultStorage`, `transformer` and `dialect` are what the settings chose.
 */
export interface Tokens {
  readonly storageDescriptors: ServiceIdentifier<Registered<StorageDescriptor>>;
  readonly originDescriptors: ServiceIdentifier<Registered<OriginDescriptor>>;
  readonly transformerDescriptors: ServiceIdentifier<Registered<TransformerDescriptor>>;
  readonly dialectDescriptors: ServiceIdentifier<Registered<DialectDescriptor>>;
  /** Multi-bound: all of them hear every event. */
  readonly observers: ServiceIdentifier<Observer>;
  readonly clock: ServiceIdentifier<Clock>;
  /** The parsed core settings. Bound once all of them have been found right. */
  readonly settings: ServiceIdentifier<CoreSettings>;
  readonly coordinator: ServiceIdentifier<Coordinator>;
  /** What was purged so far. Goes with the storages where they are handed on. */
  readonly purges: ServiceIdentifier<PurgeBook>;
  /** The storage of the result cache; bound only if `CACHE_USE` or `CACHE_TIERS` names one. */
  readonly resultStorage: ServiceIdentifier<CacheStorage>;
  /** The storage of copies of sources; bound only if `SOURCES_USE` names one. */
  readonly sourceStorage: ServiceIdentifier<CacheStorage>;
  /** How the storage that `resultStorage` stands for is doing. Goes with it where it is handed on. */
  readonly storageHealth: ServiceIdentifier<StorageHealth>;
  /** What the proxy counts in order to bound it. */
  readonly capacity: ServiceIdentifier<Capacity>;
  readonly transformer: ServiceIdentifier<Transformer>;
  /** Bound if the transformer was chosen by settings among descriptors. */
  readonly transformerChoice: ServiceIdentifier<TransformerChoice>;
  readonly dialect: ServiceIdentifier<Dialect>;
}

export const tokens: Tokens = {
  storageDescriptors: token('tintype.StorageDescriptor'),
  originDescriptors: token('tintype.OriginDescriptor'),
  transformerDescriptors: token('tintype.TransformerDescriptor'),
  dialectDescriptors: token('tintype.DialectDescriptor'),
  observers: token('tintype.Observer'),
  clock: token('tintype.Clock'),
  settings: token('tintype.Settings'),
  coordinator: token('tintype.Coordinator'),
  purges: token('tintype.Purges'),
  resultStorage: token('tintype.ResultStorage'),
  sourceStorage: token('tintype.SourceStorage'),
  storageHealth: token('tintype.StorageHealth'),
  capacity: token('tintype.Capacity'),
  transformer: token('tintype.Transformer'),
  transformerChoice: token('tintype.TransformerChoice'),
  dialect: token('tintype.Dialect'),
};
