import type { PurgeAnnouncement } from '@tintype/core';
import type { MetricsSnapshot } from '@tintype/server/metrics';
import type { FileInput, Started } from './service.ts';
import type { Place } from './shares.ts';

/** What a serving child needs to know. */
export interface ChildSetup {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Readonly<Record<string, string>>;
  /** As the supervisor has read and checked it: a child never reads settings from the file itself. */
  readonly file: NonNullable<FileInput> | null;
  /** Whether the file listed plugins at the start: only for these a child loads it. */
  readonly filePlugins: boolean;
  readonly cwd: string;
  readonly place: Place;
  readonly listenFirst: boolean;
  /** What was purged before it was there. */
  readonly purges: readonly PurgeAnnouncement[];
  /** Of the supervisor's standard output, where the child's lines end up. */
  readonly terminal: boolean;
  readonly color: boolean;
}

/** From the supervisor to a child. */
export type ToChild =
  | { readonly type: 'setup'; readonly setup: ChildSetup }
  | { readonly type: 'reload'; readonly id: number; readonly file: NonNullable<FileInput> | null }
  | { readonly type: 'metrics'; readonly id: number }
  /** Another child has purged something; answered by `heard`. */
  | { readonly type: 'purged'; readonly id: number; readonly purge: PurgeAnnouncement }
  /** The others have heard of the child's own purge. */
  | { readonly type: 'announced'; readonly id: number }
  | { readonly type: 'stop'; readonly drainDelay?: number };

/** From a child to the supervisor. */
export type FromChild =
  | ({ readonly type: 'started' } & Started)
  /** It cannot start; `text` is for the operator, `code` to end with. */
  | { readonly type: 'refused'; readonly text: string; readonly code: number }
  | { readonly type: 'reloaded'; readonly id: number; readonly problems: readonly string[] }
  | { readonly type: 'metrics'; readonly id: number; readonly snapshot: MetricsSnapshot }
  /** To be told to the others; answered by `announced`. */
  | { readonly type: 'purge'; readonly id: number; readonly purge: PurgeAnnouncement }
  | { readonly type: 'heard'; readonly id: number };
