import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConfiguredProxy,
  type Coordinator,
  coreSection,
  definePlugin,
  type Plugin,
  type PurgeAnnouncement,
  PurgeBook,
  type Section,
  type SettingsInput,
  SettingsReader,
  tokens,
} from '@tintype/core';
import {
  createLogger,
  type LogBuffer,
  type Logger,
  type RunningServer,
  startServer,
  tuneCollector,
} from '@tintype/server';
import type { Metrics, MetricsSnapshot } from '@tintype/server/metrics';
import { workers } from '@tintype/workers';
import { EventLog } from '../event-log.ts';
import { describeFailure, Failure, reasonOf } from '../failure.ts';
import { makeProxy } from '../make-proxy.ts';
import { CurrentProxy } from './current-proxy.ts';
import { type Keeping, KeptParts } from './kept-parts.ts';
import { PurgeHub, type TellOthers } from './purge-hub.ts';
import type { FileInput, OnServing, Service } from './service.ts';
import { type Place, sharesOf } from './shares.ts';
import { snapshotOf, storageFingerprint, transformerFingerprint } from './snapshot.ts';
import { tellUnclosed } from './tell-unclosed.ts';

/** How long stores have at least, when answers in flight have taken all the time of a stop. */
const LEAST_STORE_MS = 1_000;

export interface ServingOptions {
  readonly plugins: readonly Plugin[];
  /** URLs of the modules that may bring or wrap the transformer. */
  readonly transformingModules: readonly string[];
  readonly sections: readonly Section[];
  readonly input: SettingsInput;
  readonly place: Place;
  readonly logger: Logger;
  /** Lines that the log had no room for, so far. */
  readonly droppedLines: () => number;
  /** Whether it answers probes while it is still opening its parts. */
  readonly listenFirst: boolean;
  /** What was purged before this process was there. */
  readonly purges?: readonly PurgeAnnouncement[];
  /** What takes note of purges; one of its own unless given. */
  readonly purged?: PurgeBook;
  /** Tells the processes beside this one what was purged here; nobody, if there are none. */
  readonly tellOthers?: TellOthers;
}

/** One process that serves: a server, and the proxy in force behind it. */
export class ServingProcess implements Service {
  readonly #options: ServingOptions;
  readonly #events = new EventLog();
  readonly #parts = new KeptParts();
  readonly #purges: PurgeHub;
  /** Of all proxies of this process: one that takes the place of another must know what that one has heard. */
  readonly #purged: PurgeBook;
  #metrics: Metrics | undefined;
  #current: CurrentProxy | undefined;
  /** Of the proxy in force; not its container's, which is empty once it is closed. */
  #coordinator: Coordinator | undefined;
  #server: RunningServer | undefined;
  #stopping = false;

  constructor(options: ServingOptions) {
    this.#options = options;
    this.#purges = new PurgeHub(options.tellOthers ?? (async () => undefined));
    this.#purged = options.purged ?? new PurgeBook();
    for (const purge of options.purges ?? []) this.#purged.note(purge);
    this.#events.writeTo(options.logger);
    this.#events.failsRequests(() => this.#current?.proxy.settings.cacheReportErrors ?? false);
  }

  async start(onServing: OnServing): Promise<void> {
    tuneCollector();
    await this.#count();
    const { proxy, letGo } = await this.#make(this.#options.input);
    const current = new CurrentProxy(proxy);
    this.#current = current;
    this.#coordinator = proxy.container.get(tokens.coordinator);
    const open = () => orFail('Could not start', () => current.open());
    try {
      if (!this.#options.listenFirst) await open();
      const server = await orFail('', () => this.#listen(current, proxy));
      this.#server = server;
      await open();
      await onServing({ address: server.address, checks: await current.check() });
    } catch (error) {
      // Why it did not start is told; that one of its parts could not be closed either must not take its place.
      await this.#server?.close({ drainDelay: 0, closeTimeout: 0 });
      await current.close().catch(() => undefined);
      await letGo().catch(() => undefined);
      throw error;
    }
  }

  async reload(file: FileInput): Promise<readonly string[]> {
    const current = this.#current;
    if (current === undefined) return ['It has not started yet.'];
    let made: Made | undefined;
    try {
      const { file: _before, ...input } = this.#options.input;
      made = await this.#make({ ...input, ...(file === undefined ? {} : { file }) });
      await made.proxy.open();
      // Told to stop meanwhile: what would come into force now nobody would close.
      if (this.#stopping) {
        await made.proxy.close();
        return [];
      }
    } catch (error) {
      await made?.proxy.close().catch(() => undefined);
      await made?.letGo().catch(() => undefined);
      return [describeFailure(error).text];
    }
    const { proxy: next } = made;
    current.replace(next);
    this.#coordinator = next.container.get(tokens.coordinator);
    this.#parts.adoptLimits();
    this.#options.logger.level = next.settings.logLevel;
    return [];
  }

  /**
   * Another process has purged something: it is not used here any more once this has resolved, or rejected.
   *
   * @throws what a coordinator that a plugin has brought throws; that is logged.
   */
  async hear(purge: PurgeAnnouncement): Promise<void> {
    this.#purged.note(purge);
    await this.#purges.hear(purge);
    const coordinator = this.#coordinator;
    // One that a plugin has brought hears of nothing here.
    if (coordinator === undefined || this.#purges.made(coordinator)) return;
    try {
      await coordinator.announce(purge);
    } catch (error) {
      this.#options.logger.error(`A purge could not be told to others: ${reasonOf(error)}.`);
      throw error;
    }
  }

  async metrics(): Promise<string> {
    return (await this.#metrics?.text()) ?? '';
  }

  /** For a supervisor, which puts it together with that of others. */
  async snapshot(): Promise<MetricsSnapshot> {
    return (await this.#metrics?.snapshot()) ?? [];
  }

  async stop(drainDelay?: number): Promise<boolean> {
    this.#stopping = true;
    const [current, server] = [this.#current, this.#server];
    if (current === undefined || server === undefined) return true;
    const { settings } = current.proxy;
    const startedAt = performance.now();
    const drain = drainDelay ?? settings.drainDelay;
    await server.close({ drainDelay: drain, closeTimeout: settings.gracefulStopTimeout });
    const deadline = startedAt + (drain + settings.gracefulStopTimeout) * 1_000;
    const { logger } = this.#options;
    const closed = current.close().then(
      () => true,
      (error: unknown) => {
        tellUnclosed(logger, error);
        return false;
      },
    );
    const late = new AbortController();
    const wait = delay(Math.max(LEAST_STORE_MS, deadline - performance.now()), 'late' as const, {
      signal: late.signal,
    });
    const outcome = await Promise.race([closed, wait]);
    late.abort();
    if (outcome === 'late')
      logger.warn('Not everything could be closed in time; results that were not stored are lost.');
    return outcome === true;
  }

  /** Nothing of it is loaded unless somebody wants it. */
  async #count(): Promise<void> {
    const { input, droppedLines, place } = this.#options;
    const { prometheusBind, prometheusNamespace } = new SettingsReader(input).read(coreSection);
    if (prometheusBind === undefined) return;
    const { Metrics } = await import('@tintype/server/metrics');
    this.#metrics = new Metrics({
      namespace: prometheusNamespace,
      load: () => this.#current?.proxy.load?.(),
      droppedLines,
      transformMemory: () => this.#parts.transformMemory,
      tellsShared: place.index === 0,
    });
  }

  #listen(current: CurrentProxy, { settings }: ConfiguredProxy): Promise<RunningServer> {
    return startServer(current, {
      bind: settings.bind,
      logger: this.#options.logger,
      metrics: this.#metrics,
      logHits: () => current.proxy.settings.logHits,
      ready: () => current.isOpen,
      keepAliveTimeout: settings.keepAliveTimeout,
      headersTimeout: settings.readRequestTimeout,
      requestTimeout: settings.readRequestTimeout,
      writeStallTimeout: settings.writeResponseTimeout,
      maxConnections: settings.maxClients,
    });
  }

  /** A proxy of these settings that uses the parts at hand where their settings are the same. */
  async #make(settings: SettingsInput): Promise<Made> {
    const { plugins, transformingModules, sections, place } = this.#options;
    const input = { ...settings, flags: { ...settings.flags, ...sharesOf(sections, settings, place) } };
    const events = this.#events;
    const metrics = this.#metrics;
    const snapshot = snapshotOf(sections, input);
    const { plugin: keptParts, letGo } = this.#parts.keep({
      storage: storageFingerprint(snapshot),
      transformer: transformerFingerprint(sections, snapshot),
    });
    const making = makeProxy(
      [
        ...plugins,
        definePlugin({
          name: 'tintype/event-log',
          register: (registry) => {
            registry.observer(events);
            if (metrics !== undefined) registry.observer(metrics);
          },
        }),
        definePlugin({
          name: 'tintype/purge-hub',
          register: ({ container }) => {
            // A coordinator that a plugin brings reaches further.
            if (!container.isBound(tokens.coordinator))
              container.bind(tokens.coordinator).toConstantValue(this.#purges.coordinator());
            if (!container.isBound(tokens.purges)) container.bind(tokens.purges).toConstantValue(this.#purged);
          },
        }),
        workers({
          modules: transformingModules,
          onCrash: (reason, pid) => {
            events.childEnded(reason, pid);
            metrics?.childEnded();
          },
          onPause: (reason, pauseMs) => events.childrenPaused(reason, pauseMs),
          onRecovery: () => events.childrenRecovered(),
        }),
        keptParts,
      ],
      input,
    );
    try {
      return { proxy: await making, letGo };
    } catch (error) {
      await letGo();
      throw error;
    }
  }
}

interface Made extends Pick<Keeping, 'letGo'> {
  readonly proxy: ConfiguredProxy;
}

/** A logger for these settings, to a buffer that others may write to as well. */
export function loggerFor(
  settings: Pick<ConfiguredProxy['settings'], 'logLevel' | 'logFormat'>,
  { terminal, color, destination }: LogTarget,
): Logger {
  const format = settings.logFormat ?? (terminal ? 'pretty' : 'json');
  return createLogger({
    level: settings.logLevel,
    format: format === 'pretty' ? 'pretty' : 'json',
    destination,
    color,
  });
}

/** Where lines go in the end. */
export interface LogTarget {
  readonly terminal: boolean;
  readonly color: boolean;
  readonly destination: LogBuffer | undefined;
}

/** What parts throw while they start are sentences for the operator already. */
async function orFail<T>(what: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw new Failure(`${what === '' ? '' : `${what}: `}${reasonOf(error)}.`, 2, { cause: error });
  }
}
