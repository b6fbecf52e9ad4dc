import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type CoreSettings, formatBind, type PurgeAnnouncement, PurgeBook } from '@tintype/core';
import type { LogBuffer, Logger } from '@tintype/server';
import type { Metrics, MetricsSum } from '@tintype/server/metrics';
import { reasonOf } from '../failure.ts';
import type { ChildSetup } from './protocol.ts';
import type { FileInput, OnServing, Service } from './service.ts';
import { ServingChild, type ServingChildOptions, whyNotStarted } from './serving-child.ts';

// In the sources and in the build alike: beside this file, with the same extension.
const CHILD = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));

/** A process that ends sooner than this after it served, or never did, is not replaced at once. */
const HASTY_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** What a child gets for its own end, beyond the times that the settings give it. */
const MARGIN_MS = 5_000;
/** A child that takes longer to tell its numbers is counted as it was last. */
const SCRAPE_MS = 2_000;
/** How long a child's purge waits for another child that does not say that it has heard of it. */
const PURGE_MS = 1_000;
/** What this process tells of itself, beside what those that serve tell. */
const OWN_METRICS = /^(process_|nodejs_)|log_lines_dropped_total$/;

export interface SupervisorOptions
  extends Pick<ChildSetup, 'env' | 'flags' | 'filePlugins' | 'cwd' | 'terminal' | 'color'> {
  readonly file: FileInput;
  readonly settings: CoreSettings;
  readonly logger: Logger;
  /** Where the lines of all of them go. */
  readonly output: LogBuffer;
}

/**
 * Several serving processes behind one listening socket, which this process holds: it accepts and
 * hands connections out in turn. So all get the same share, and the end of a process costs only the
 * connections that it had; with a listening socket for each (`SO_REUSEPORT`) it would also cost those
 * that wait for it in its own queue.
 */
export class Supervisor implements Service {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<number, ServingChild>();
  readonly #failures = new Map<number, number>();
  /** What children have purged: one that is started later must know it, too. */
  readonly #purged = new PurgeBook();
  #file: FileInput;
  #flags: Readonly<Record<string, string>>;
  #stopping = false;
  #forks = 0;
  #metrics: { readonly sum: MetricsSum; readonly own: Metrics } | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#flags = options.flags;
  }

  /** Process ids of the children, for whoever watches them. */
  get pids(): readonly number[] {
    return [...this.#children.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async start(onServing: OnServing): Promise<void> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    // Output is not inherited: Node sets shared pipes back to blocking when a process ends.
    cluster.setupPrimary({
      exec: CHILD,
      args: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    await this.#fixPort();
    await this.#countOwn();
    try {
      // One before the others: what is wrong is then told once, and a socket file is made once.
      const first = await this.#fork(0, true).started;
      // It serves already, and what it logs should not come first.
      await onServing(first);
      const others = Array.from({ length: this.#options.settings.processes - 1 }, (_, at) => this.#fork(at + 1, true));
      await Promise.all(others.map(({ started }) => started));
      this.#options.logger.info(`All ${this.#options.settings.processes} processes serve.`);
    } catch (error) {
      this.killAll();
      throw error;
    }
  }

  async reload(file: FileInput): Promise<readonly string[]> {
    const before = this.#file;
    const problems = await this.#putInForce(file);
    // All of them or none: two configurations behind one address would answer in turn.
    if (problems.length > 0 && !this.#stopping) await this.#putInForce(before);
    return problems;
  }

  async #putInForce(file: FileInput): Promise<readonly string[]> {
    this.#file = file;
    const problems = await Promise.all([...this.#children.values()].map((child) => child.reload(file)));
    return [...new Set(problems.flat())];
  }

  hear(purge: PurgeAnnouncement): Promise<void> {
    return this.#tellOthers(undefined, purge);
  }

  async metrics(): Promise<string> {
    if (this.#metrics === undefined) return '';
    const { sum, own } = this.#metrics;
    await Promise.all(
      [...this.#children.values()].map(async (child) => {
        const snapshot = await child.metrics(SCRAPE_MS);
        if (snapshot !== undefined) sum.update(child.number, snapshot);
      }),
    );
    sum.update(
      0,
      (await own.snapshot()).filter(({ name }) => OWN_METRICS.test(name)),
    );
    return await sum.text();
  }

  async stop(drainDelay?: number): Promise<boolean> {
    this.#stopping = true;
    const { settings } = this.#options;
    const withinMs = ((drainDelay ?? settings.drainDelay) + settings.gracefulStopTimeout) * 1_000 + MARGIN_MS;
    const ended = await Promise.all([...this.#children.values()].map((child) => child.stop(drainDelay, withinMs)));
    return ended.every(Boolean);
  }

  /** Ends all of them at once. */
  killAll(): void {
    this.#stopping = true;
    for (const child of this.#children.values()) child.kill();
  }

  #fork(index: number, listenFirst: boolean): ServingChild {
    const { env, filePlugins, cwd, terminal, color, settings, output, logger } = this.#options;
    let servesSince = Number.POSITIVE_INFINITY;
    const number = ++this.#forks;
    const onExit = (reason: string, endedPid?: number): void => {
      this.#children.delete(index);
      void this.#metrics?.sum.ended(number);
      if (this.#stopping) return;
      const hasty = performance.now() - servesSince < HASTY_MS;
      const failures = hasty ? (this.#failures.get(index) ?? 0) + 1 : 0;
      this.#failures.set(index, failures);
      logger.error({ endedPid }, `A serving process ${reason}; another one is started.`);
      void this.#replace(index, failures);
    };
    const options: ServingChildOptions = {
      number,
      setup: {
        env,
        flags: this.#flags,
        file: this.#file ?? null,
        filePlugins,
        cwd,
        place: { index, of: settings.processes },
        listenFirst,
        purges: this.#purged.announcements,
        terminal,
        color,
      },
      log: (lines) => output.write(lines),
      onPurge: (purge) => this.#tellOthers(index, purge),
      onExit,
    };
    let child: ServingChild;
    try {
      child = new ServingChild(options);
    } catch (error) {
      onExit(whyNotStarted(error));
      throw error;
    }
    child.started.then(
      () => {
        servesSince = performance.now();
      },
      () => undefined,
    );
    this.#children.set(index, child);
    return child;
  }

  /** What one child has purged none of the others may use: its client's answer waits until they have heard. */
  async #tellOthers(from: number | undefined, purge: PurgeAnnouncement): Promise<void> {
    this.#purged.note(purge);
    const others = [...this.#children].filter(([index]) => index !== from);
    await Promise.all(others.map(([, child]) => child.purged(purge, PURGE_MS)));
  }

  async #replace(index: number, failures: number): Promise<void> {
    if (failures > 0) await sleep(Math.min(MAX_PAUSE_MS, 100 * 2 ** failures), undefined, { ref: false });
    if (this.#stopping) return;
    try {
      // The others serve: this one takes connections when it is ready for them.
      await this.#fork(index, false).started;
      this.#options.logger.info('The serving process was replaced.');
    } catch (error) {
      this.#options.logger.error(`A serving process could not be started: ${reasonOf(error)}.`);
    }
  }

  async #countOwn(): Promise<void> {
    const { settings, output } = this.#options;
    if (settings.prometheusBind === undefined) return;
    const { Metrics, MetricsSum } = await import('@tintype/server/metrics');
    const own = new Metrics({
      namespace: settings.prometheusNamespace,
      load: () => undefined,
      droppedLines: () => output.dropped,
      tellsShared: false,
    });
    this.#metrics = { sum: new MetricsSum(), own };
  }

  /**
   * For port 0: every process has to be given the same one, also those that come later. If there is
   * none to be had, the first child says why.
   */
  async #fixPort(): Promise<void> {
    const { bind } = this.#options.settings;
    if (bind.kind !== 'tcp' || bind.port !== 0) return;
    const server = createServer().listen(bind.port, bind.host);
    const isListening = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    const address = server.address();
    if (!isListening || address === null || typeof address === 'string') return;
    server.close();
    await once(server, 'close');
    this.#flags = { ...this.#flags, BIND: formatBind({ ...bind, port: address.port }) };
  }
}
