import process from 'node:process';
import type { CoreSettings } from '@tintype/core';
import { flushLog, hasColors, type Logger, standardOutput } from '@tintype/server';
import type { RunningMetricsServer } from '@tintype/server/metrics';
import type { Composition } from './composition.ts';
import { Failure, reasonOf } from './failure.ts';
import { makeProxy } from './make-proxy.ts';
import type { RunningControl } from './serving/control-server.ts';
import { endOnDefect } from './serving/last-words.ts';
import { Reloader } from './serving/reload.ts';
import type { Service, Started } from './serving/service.ts';
import { loggerFor, ServingProcess } from './serving/serving-process.ts';
import { Signals } from './serving/signals.ts';
import { Supervisor } from './serving/supervisor.ts';
import { tellUnclosed } from './serving/tell-unclosed.ts';
import { startLine, unsafeParts } from './start-line.ts';
import type { Surroundings } from './surroundings.ts';
import { whyHitsWait } from './thread-pool.ts';
import { whyNotUnsigned } from './unsigned-bind.ts';

/** Longest time for the last lines of the log, in milliseconds. */
const FLUSH_MS = 1_000;

/**
 * `tintype serve`: returns when a signal has stopped it and everything is closed.
 *
 * @param composition its input with the flags.
 */
export async function serve(
  { plugins, transformingModules, sections, input, filePlugins }: Composition,
  { env, stdout, cwd }: Pick<Surroundings, 'env' | 'stdout' | 'cwd'>,
): Promise<void> {
  // Composing reads and checks every setting; it opens nothing.
  const composed = await makeProxy(plugins, input);
  const { settings, effective, warnings, endpoints } = composed;
  const refusal = whyNotUnsigned(composed);
  if (refusal !== undefined) throw new Failure(refusal);

  const alone = settings.processes === 1;
  const terminal = stdout.isTTY === true;
  const color = hasColors(stdout);
  // At a terminal a single process writes by itself, at once; everything else goes through a buffer.
  const output = standardOutput();
  const logger = loggerFor(settings, { terminal, color, destination: alone && terminal ? undefined : output });
  endOnDefect(logger);
  let atOnce = () => {};
  const signals = new Signals(() => atOnce());
  let service: Service;
  if (alone) {
    const place = { index: 0, of: 1 };
    const droppedLines = () => output.dropped;
    service = new ServingProcess({
      plugins,
      transformingModules,
      sections,
      input,
      place,
      logger,
      droppedLines,
      listenFirst: true,
    });
  } else {
    const { flags = {}, file } = input;
    const supervisor = new Supervisor({
      env,
      flags,
      file,
      filePlugins,
      cwd,
      settings,
      logger,
      output,
      terminal,
      color,
    });
    atOnce = () => supervisor.killAll();
    service = supervisor;
  }

  const metrics = await serveMetrics(settings, service);
  let control: RunningControl | undefined;
  const announce = async ({ address, checks }: Started): Promise<void> => {
    // Before the line, so that whoever has read it can purge.
    control = await serveControl(settings, service);
    const unsafe = unsafeParts(settings, effective, endpoints);
    const line = startLine({ address, settings, checks, unsafe, endpoints, metrics: metrics?.address });
    if (unsafe.length === 0 && checks.every(({ ok }) => ok)) logger.info(line);
    else logger.warn(line);
    const wait = whyHitsWait(settings, env.UV_THREADPOOL_SIZE);
    const ofParts = checks.flatMap((check) => (check.ok ? (check.warning ?? []) : []));
    for (const warning of [...warnings, ...(wait === undefined ? [] : [wait]), ...ofParts]) logger.warn(warning);
  };
  await service.start(announce).catch(async (error: unknown) => {
    await control?.close().catch(() => undefined);
    await metrics?.close().catch(() => undefined);
    throw error;
  });
  const reloader = new Reloader({ plugins, sections, input, cwd, service, logger });
  signals.onReload(() => void reloader.reload());

  const signal = await signals.stop;
  reloader.stop();
  logger.info(`Stopping after ${signal}; requests in flight are answered first.`);
  // Whoever presses Ctrl+C has no load balancer that must notice.
  const unclosed = (error: unknown): false => {
    tellUnclosed(logger, error);
    return false;
  };
  let closed = await service.stop(signal === 'SIGINT' ? 0 : undefined).catch(unclosed);
  for (const server of [control, metrics]) closed = (await server?.close().catch(unclosed)) !== false && closed;
  logger.info('Stopped.');
  await end(logger, closed);
}

/** Before anything else is begun: that its address is taken should be told early. */
async function serveMetrics(settings: CoreSettings, service: Service): Promise<RunningMetricsServer | undefined> {
  const { prometheusBind: bind } = settings;
  if (bind === undefined) return undefined;
  const { startMetricsServer } = await import('@tintype/server/metrics');
  try {
    return await startMetricsServer({ bind, text: () => service.metrics() });
  } catch (error) {
    throw new Failure(`${reasonOf(error)}.`, 2, { cause: error });
  }
}

async function serveControl(
  { controlSocket: path }: CoreSettings,
  service: Service,
): Promise<RunningControl | undefined> {
  if (path === undefined) return undefined;
  const { startControl } = await import('./serving/control-server.ts');
  try {
    return await startControl({ path, hear: (purge) => service.hear(purge) });
  } catch (error) {
    throw new Failure(`${reasonOf(error)}.`, 2, { cause: error });
  }
}

/** What still hangs, be it a storage, a part that could not be closed or a reader of the log that reads no more, must not keep it from ending. */
async function end(logger: Logger, closed: boolean): Promise<void> {
  const flushed = await flushLog(logger, FLUSH_MS);
  if (!flushed || !closed) process.exit(0);
}
