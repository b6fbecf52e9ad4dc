import type { ByteStream } from './body.ts';
import type { HeaderPair } from './entry-metadata.ts';
import type { HttpFields } from './http-fields.ts';
import type { CacheOutcome } from './observer.ts';
import type { CacheStorage } from './storage.ts';
import type { CheckResult, StorageUsage } from './storage-adapter.ts';

/** A request, free of any HTTP library. */
export interface ProxyRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly target: string;
  readonly headers: HttpFields;
  /**
   * Names and values in turn, as received, for endpoints that pass requests on; made of `headers` where
   * a front end doesn't have it.
   */
  readonly rawHeaders?: readonly string[] | undefined;
  /** The request's body, for methods that an endpoint takes; only where there is one. Read once. */
  readonly body?: ByteStream | undefined;
  /** Aborted when the client has gone away. */
  readonly signal: AbortSignal;
}

/** An answer, free of any HTTP library. The front end adds what concerns the connection only. */
export interface ProxyResponse {
  readonly status: number;
  /** By lower-case name; includes `content-type`, `content-length` where known, `cache-status`. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * All fields in order, duplicates too, in place of `headers`: what an operator's endpoint passes on.
   * The front end adds nothing that speaks of the content.
   */
  readonly fields?: readonly HeaderPair[] | undefined;
  /**
   * Bytes to send; `undefined` for none (304, HEAD). A stream must be consumed or given up by `return` of
   * its iterator, which frees what feeds it, also before the first `next` (an unstarted generator would
   * not). If it throws, the connection must be destroyed, so that nobody takes a truncated image for a
   * whole one.
   */
  readonly body: Uint8Array | ByteStream | undefined;
  /**
   * Whether nobody else holds the bytes of `body`: whoever has sent them may free them (`freeExpendable`), and
   * so spares the garbage collector work and the processor's cache a detour.
   */
  readonly expendable?: boolean | undefined;
  readonly cache: CacheOutcome;
  /** Why the status is 4xx or 5xx, for the log: a stable word, and a cause that stays inside. */
  readonly problem?: { readonly code: string; readonly cause?: unknown } | undefined;
}

/** How busy a proxy is at this moment. Sizes in bytes. */
export interface ProxyLoad {
  /** Requests that wait for an image to be made; several may wait for the same. */
  readonly waiting: number;
  /** Images in the making, from the download to the end of the transform. */
  readonly making: number;
  /** Of these, the ones that wait for their host or for a place to be transformed. */
  readonly queued: number;
  /** Transforms going on, and how many may. */
  readonly transforms: number;
  readonly maxTransforms: number;
  /** Memory that transforms have asked for, and what they may take together (`Infinity`: no limit). */
  readonly reservedMemory: number;
  readonly memoryBudget: number;
  /** Results that the storage has not taken yet. */
  readonly storeQueue: { readonly length: number; readonly bytes: number };
  /** What each tier of the cache holds, by its id, where it knows. */
  readonly storages: readonly {
    readonly id: string;
    /** Whether other processes that name the same storage see the same entries. */
    readonly shared: boolean;
    readonly usage: StorageUsage;
  }[];
}

/** A proxy as the composer holds it. */
export interface ImageProxy {
  /** Opens origins, transformer and storage. A storage that cannot be opened does not stop it. */
  open(): Promise<void>;
  /** Lets work in flight and pending stores finish, then closes everything in reverse order. */
  close(): Promise<void>;
  /**
   * Whether an endpoint answers this method at this target, where it is another than GET and HEAD, or
   * a path that the front end would answer itself, probes apart.
   */
  takes?(method: string, target: string): boolean;
  /**
   * Where in a target the path begins whose first segment is a signature, which a log must not show: 0, or
   * behind an endpoint's path; -1 where targets have none. Without it all have one at 0.
   */
  signedFrom?(target: string): number;
  /** Answers; never rejects. */
  handle(request: ProxyRequest): Promise<ProxyResponse>;
  /** One row for each part that can be checked, `cache` first. */
  check(): Promise<readonly (CheckResult & { readonly part: string })[]>;
  /** For metrics; costs what reading some numbers costs. */
  load?(): ProxyLoad;
  /** The signed form of an unsigned path, by the dialect and the first key. */
  sign(path: string): string;
  /**
   * No key is set, and nothing says that this is wanted: a front end must not listen beyond the
   * loopback interface.
   */
  readonly loopbackOnly?: boolean | undefined;
  /** The result cache's storage, if one is configured. */
  readonly storage: CacheStorage | undefined;
}
