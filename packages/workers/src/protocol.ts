import type { BodyFile, TransformErrorCode, TransformRequest, TransformResult } from '@tintype/core';

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

/** What a child shall make. */
export interface Job extends Pick<TransformRequest, 'operations' | 'output' | 'limits'> {
  /** Where to read the input; without it the input comes by another way (`input-channel.ts`), sooner or later than this. */
  readonly file: BodyFile | undefined;
  /** Bytes that are reserved for it already, so that it need not ask for so few; `Infinity` where nobody counts. */
  readonly allowance: number;
}

/** From the serving process to a child. */
export type ToChild =
  | { readonly type: 'setup'; readonly setup: ChildSetup }
  | ({ readonly type: 'transform'; readonly id: number } & Job)
  | { readonly type: 'abort'; readonly id: number }
  /** The memory that a transform asked for is its own now. */
  | { readonly type: 'granted'; readonly reservation: number }
  /** It will not get it. */
  | { readonly type: 'refused'; readonly reservation: number };

/** From a child to the serving process. `rss` is the memory that it takes then, in bytes. */
export type FromChild =
  | { readonly type: 'ready'; readonly revision: string; readonly rss: number }
  | { readonly type: 'unusable'; readonly message: string }
  /** A transform asks for memory, of what its request may take; `instead` of its allowance, or beside it. */
  | {
      readonly type: 'reserve';
      readonly id: number;
      readonly reservation: number;
      readonly bytes: number;
      readonly instead: boolean;
    }
  | { readonly type: 'release'; readonly reservation: number }
  | { readonly type: 'done'; readonly id: number; readonly result: TransformResult; readonly rss: number }
  /** Its file could not be opened here, or had fewer bytes than it should. */
  | { readonly type: 'unread'; readonly id: number; readonly opened: boolean }
  /** `refused`: for want of the memory that it was refused, which the serving process knows more about. */
  | {
      readonly type: 'failed';
      readonly id: number;
      readonly code: TransformErrorCode;
      readonly message: string;
      readonly refused: boolean;
    };
