import type { StatusSeconds } from '@tintype/http-cache';
import type { CoreSettings } from '../config/core-options.ts';
import type { SettingsReader } from '../config/settings-reader.ts';
import type { Coordinator, PurgeAnnouncement } from '../contracts/coordinator.ts';
import type { Dialect } from '../contracts/dialect.ts';
import type { Origin } from '../contracts/origin.ts';
import type { DialectDescriptor, OriginDescriptor } from '../contracts/plugin.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import type { Upstream } from '../contracts/upstream.ts';
import type { Endpoint, EndpointOrigin } from '../endpoints/endpoint.ts';
import { type EndpointHandler, Endpoints } from '../endpoints/endpoints.ts';
import { imagesOf } from '../endpoints/images.ts';
import { OriginChain } from '../endpoints/origin-chain.ts';
import { PassThrough } from '../endpoints/pass-through.ts';
import { identityOf, prefixesOf } from '../endpoints/response-key.ts';
import { StoredResponses } from '../endpoints/stored-responses.ts';
import { WebProxy } from '../endpoints/web-proxy.ts';
import type { PipelineOptions } from '../pipeline/pipeline.ts';
import { chooseEndpointDialects, chooseUpstream } from './choose-parts.ts';
import type { Index } from './descriptors.ts';

/** Endpoints that answer, and what they need to be opened and closed. */
export interface ServedEndpoints {
  readonly endpoints: Endpoints;
  /** What asks the servers of endpoints. */
  readonly upstreams: readonly Upstream[];
  readonly paths: readonly { readonly path: string; readonly makesImages: boolean }[];
  /** No image is made of anything: there is nothing to sign. */
  readonly onlyPasses: boolean;
  /** Resolves when nothing is in flight and nothing waits for the storage. */
  close(): Promise<void>;
  /** Another process has purged something. */
  hear(purge: PurgeAnnouncement): void;
  /** Prefixes of keys under which responses from a URL lie. */
  responsesOf(url: string): readonly string[];
}

/** What endpoints use of the proxy's other parts, besides what the pipeline uses. */
export interface EndpointSurroundings {
  readonly storage: CacheStorage | undefined;
  readonly origins: readonly Origin[];
  readonly coordinator: Coordinator;
  readonly lookupDeadlineMs: number;
  /** The storage that is left alone at the moment. */
  readonly paused: () => string | undefined;
  /** Whether a failing cache fails the request. */
  readonly reportErrors: boolean;
  /** For how many seconds failures of an origin are remembered, by status. */
  readonly failureTtl: StatusSeconds;
}

/** Reads what endpoints need of the settings; `serve` is for after the reader's `finish`. */
export function chooseEndpointParts(
  all: readonly Endpoint[],
  {
    origins: originDescriptors,
    dialects,
    settings,
    reader,
  }: {
    readonly origins: Index<OriginDescriptor>;
    readonly dialects: Index<DialectDescriptor>;
    readonly settings: CoreSettings;
    readonly reader: SettingsReader;
  },
): { serve(pipeline: PipelineOptions, around: EndpointSurroundings): ServedEndpoints } | undefined {
  if (all.length === 0) return undefined;
  const makeUpstream = chooseUpstream(originDescriptors, reader);
  const ids = new Set(all.flatMap(({ dialect }) => dialect ?? []));
  const makeDialect = chooseEndpointDialects(ids, dialects, reader);
  return {
    serve(pipeline, around) {
      const { clock, emit, spoolMemory, pseudonym, intake, overloadStatus, purges } = pipeline;
      const { storage } = around;
      const times = { downloadTimeout: settings.downloadTimeout, idleTimeout: settings.timeout };
      const isNeeded = (webProxy: boolean): boolean => all.some((endpoint) => endpoint.webProxy === webProxy);
      const named = isNeeded(false) ? makeUpstream?.(times) : undefined;
      const chosen = isNeeded(true) ? makeUpstream?.({ ...times, checksAddresses: true }) : undefined;
      const announce = around.coordinator.announce.bind(around.coordinator);
      const stored =
        storage === undefined ? undefined : new StoredResponses({ ...around, storage, clock, emit, announce, purges });
      const byScheme = new Map(around.origins.flatMap((origin) => origin.schemes.map((scheme) => [scheme, origin])));
      const handlerOf = (endpoint: Endpoint): EndpointHandler => {
        const dialect = dialectOf(endpoint, makeDialect);
        // An image has its place at its host before its source is asked for.
        const visit = dialect === undefined ? intake.visit.bind(intake) : undefined;
        const upstream = endpoint.webProxy ? chosen : named;
        const chainOf = (origins: readonly EndpointOrigin[]): OriginChain =>
          new OriginChain({ origins, upstream, byScheme, visit, clock, emit });
        const maxSourceBytes = settings.maxSrcFileSize || Number.POSITIVE_INFINITY;
        if (dialect !== undefined) {
          const ofBase = (base: string): OriginChain =>
            chainOf(endpoint.webProxy ? endpoint.origins.filter((origin) => origin.base === base) : endpoint.origins);
          return imagesOf({ endpoint, chainOf: ofBase, dialect, pipeline, maxBytes: maxSourceBytes });
        }
        const maxBytes = endpoint.maxStoredBytes ?? maxSourceBytes;
        const kept = endpoint.cache ? stored : undefined;
        const timeoutMs = settings.timeout * 1_000;
        const passing = (origins: readonly EndpointOrigin[]): PassThrough =>
          new PassThrough({
            endpoint: { ...endpoint, origins },
            chain: chainOf(origins),
            stored: kept,
            spoolMemory,
            maxBytes,
            timeoutMs,
            askAgainMs: settings.fetchAgainAfter === 0 ? Number.POSITIVE_INFINITY : settings.fetchAgainAfter * 1_000,
            jitter: settings.ttlJitter,
            earlyRefresh: settings.earlyRefresh,
            failureTtl: around.failureTtl,
            overloadStatus,
            clock,
            pseudonym,
            emit,
          });
        if (!endpoint.webProxy) return passing(endpoint.origins);
        return new WebProxy(
          endpoint.origins.flatMap((origin) =>
            origin.web === undefined ? [] : [{ origin: origin.web.origin, handler: passing([origin]) }],
          ),
        );
      };
      const endpoints = new Endpoints(all.map((endpoint) => ({ ...endpoint, handler: handlerOf(endpoint) })));
      return {
        endpoints,
        upstreams: [named, chosen].filter((upstream) => upstream !== undefined),
        paths: all.map(({ prefix, dialect }) => ({ path: prefix || '/', makesImages: dialect !== undefined })),
        onlyPasses: all.every(({ dialect }) => dialect === undefined),
        close: async () => {
          await endpoints.close(settings.timeout * 1_000);
          await stored?.flush();
        },
        hear: (purge) => stored?.hear(purge),
        responsesOf: (url) => all.flatMap((endpoint) => responsesOf(endpoint, url)),
      };
    },
  };
}

function responsesOf({ prefix, origins, webProxy, dialect }: Endpoint, url: string): readonly string[] {
  if (dialect !== undefined) return [];
  const bases = origins.map(({ base }) => base);
  // Of a web proxy each server has entries of its own.
  return webProxy
    ? bases.flatMap((base) => prefixesOf(identityOf(prefix, [base]), [base], url))
    : prefixesOf(identityOf(prefix, bases), bases, url);
}

function dialectOf(
  { dialect: id, origins, webProxy }: Endpoint,
  make: ReturnType<typeof chooseEndpointDialects>,
): Dialect | undefined {
  return id === undefined ? undefined : make(id, { baseUrl: webProxy ? '' : (origins[0]?.base ?? '') });
}
