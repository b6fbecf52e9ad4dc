import type { TransformErrorCode, TransformRequest, TransformResult } from '@tintype/core';

/** What a child needs to make its transformer. */
export interface ChildSetup {
  /**
   * Module URLs whose default exports are plugins, or config files that list some. One of them brings
   * the transformer; others may wrap it.
   */
  readonly modules: readonly string[];
  /** Id of the transformer's descriptor. */
  readonly id: string;
  /** Its parsed options. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** From the serving process to a child. */
export type ToChild =
  | { readonly type: 'setup'; readonly setup: ChildSetup }
  /** Its input comes by another way (`input-channel.ts`), sooner or later than this. */
  | ({ readonly type: 'transform'; readonly id: number } & Pick<TransformRequest, 'operations' | 'output' | 'limits'>)
  | { readonly type: 'abort'; readonly id: number }
  /** The memory that a transform asked for is its own now. */
  | { readonly type: 'granted'; readonly reservation: number };

/** From a child to the serving process. `rss` is the memory that it takes then, in bytes. */
export type FromChild =
  | { readonly type: 'ready'; readonly revision: string; readonly rss: number }
  | { readonly type: 'unusable'; readonly message: string }
  /** A transform asks for memory, of the budget that all children share. */
  | { readonly type: 'reserve'; readonly id: number; readonly reservation: number; readonly bytes: number }
  | { readonly type: 'release'; readonly reservation: number }
  | { readonly type: 'done'; readonly id: number; readonly result: TransformResult; readonly rss: number }
  | { readonly type: 'failed'; readonly id: number; readonly code: TransformErrorCode; readonly message: string };
