import type { CheckResult, Origin, OriginRequest, OriginResponse, OriginScope } from '@tintype/core';
import { notImplemented } from './not-implemented.ts';

/**
 * Images from … (say where).
 *
 * An origin answers in the shape of HTTP, whatever it is. Where it has no answer, it throws an
 * `OriginError` whose code says why; its message is for whoever made the request, so it holds no
 * address or path from inside.
 */
export class SkeletonOrigin implements Origin {
  /** The schemes of the source URLs that it takes, without colon. */
  readonly schemes: readonly string[] = ['skeleton'];
  readonly #target: string;
  readonly #scope: OriginScope;

  /** Does no I/O: that begins in `open`. */
  constructor(target: string, scope: OriginScope) {
    this.#target = target;
    this.#scope = scope;
  }

  /** I/O begins here: opens what `fetch` needs. */
  async open(): Promise<void> {
    notImplemented('open', 'opens what fetch needs.');
  }

  /** Releases every socket, handle and timer. Resolves when they are gone. */
  async close(): Promise<void> {
    notImplemented('close', 'releases every socket, handle and timer, and resolves when they are gone.');
  }

  /**
   * Fetches `source`, an absolute URL in the exact text that was asked for: decode it yourself, and
   * let nothing outside of the target be named by it.
   *
   * A missing object is status 404, not an error. `headers` carry what there is of `content-type`,
   * `content-length`, `cache-control`, `etag` and `last-modified`; conditional and range fields of
   * `request.headers` are honoured (304, 206) where the backend can.
   *
   * Stops with `OriginError` `too-large` as soon as more than `request.maxBytes` would be delivered,
   * and with `request.signal.reason` once that signal is aborted. The body is a `BufferedBody` of
   * bytes, or a `StreamedBody` that frees its connection when it ends, is left early or is discarded.
   */
  async fetch(_source: string, _request: OriginRequest): Promise<OriginResponse> {
    return notImplemented('fetch', 'answers a source as HTTP would: status, headers, body; 404 where there is none.');
  }

  /** Can it be used with these settings? Never rejects for what it was asked to find out. */
  async check(): Promise<CheckResult> {
    return notImplemented('check', 'says whether the origin is usable, and if not, why, in a sentence for operators.');
  }
}
