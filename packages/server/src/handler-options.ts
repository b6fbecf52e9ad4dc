import type { Logger } from './logger.ts';
import type { RequestSink } from './request-log.ts';

/** What both handlers take. */
export interface HandlerOptions {
  /** Gets one line per request. Without one nothing is logged. */
  readonly logger?: Logger | undefined;
  /** Hears of every answer besides the log: `Metrics`, for one. */
  readonly metrics?: RequestSink | undefined;
  /** What `/readyz` tells: whether `proxy.open()` has finished and nothing is stopping. Default: always. */
  readonly ready?: (() => boolean) | undefined;
  /**
   * The path below which the proxy is mounted, like `/images`. It is cut off before the target is
   * given to the proxy, so signatures do not cover it. Needless where the framework cuts it off
   * itself (Express' `app.use('/images', …)`). Default: none.
   */
  readonly prefix?: string | undefined;
  /**
   * The share of cache hits that get a log line, from 0 to 1; asked for each hit, so it may change.
   * Default: all.
   */
  readonly logHits?: (() => number) | undefined;
  /** Makes a target fit for the log. Default: `redactTarget`, with the signature where the proxy says. */
  readonly redact?: ((target: string) => string) | undefined;
}
