import process from 'node:process';
import { definePlugin, type Plugin, type SettingsInput } from '@tintype/core';
import { createLogger, type Logger, startServer } from '@tintype/server';
import { workers } from '@tintype/workers';
import { EventLog } from './event-log.ts';
import { Failure, reasonOf } from './failure.ts';
import { makeProxy } from './make-proxy.ts';
import { startLine, unsafeParts } from './start-line.ts';
import type { Surroundings } from './surroundings.ts';
import { whyNotUnsigned } from './unsigned-bind.ts';

/** `tintype serve`: returns when a signal has stopped it and everything is closed. */
export async function serve(
  plugins: readonly Plugin[],
  modules: readonly string[],
  input: SettingsInput,
  { stdout }: Pick<Surroundings, 'stdout'>,
): Promise<void> {
  const events = new EventLog();
  const logging = definePlugin({ name: 'tintype/event-log', register: (registry) => registry.observer(events) });
  const children = workers({ modules, onCrash: (reason) => events.childEnded(reason) });
  const proxy = await makeProxy([...plugins, logging, children], input);
  const { settings, effective, warnings } = proxy;
  const refusal = whyNotUnsigned(settings, effective);
  if (refusal !== undefined) throw new Failure(refusal);

  const format = settings.logFormat ?? (stdout.isTTY === true ? 'pretty' : 'json');
  const logger = createLogger({ level: settings.logLevel, format: format === 'pretty' ? 'pretty' : 'json' });
  events.writeTo(logger);
  // Listened for before anything is opened, so that a signal in between stops it in order as well.
  const stopped = firstSignal();
  try {
    await orFail('Could not start', () => proxy.open());
    const checks = await proxy.check();
    const server = await orFail('', () => startServer(proxy, { bind: settings.bind, logger }));
    const unsafe = unsafeParts(settings, effective);
    const line = startLine({ address: server.address, settings, checks, unsafe });
    if (unsafe.length === 0 && checks.every(({ ok }) => ok)) logger.info(line);
    else logger.warn(line);
    for (const warning of warnings) logger.warn(warning);

    logger.info(`Stopping after ${await stopped}; requests in flight are answered first.`);
    await server.close();
  } finally {
    await proxy.close();
  }
  logger.info('Stopped.');
  await flushed(logger);
}

/** The name of the first signal that asks to stop. A second one finds the default behaviour: the end. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** What parts throw while they start are sentences for the operator already. */
async function orFail<T>(what: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    throw new Failure(`${what === '' ? '' : `${what}: `}${reasonOf(error)}.`, 2, { cause: error });
  }
}

function flushed(logger: Logger): Promise<void> {
  return new Promise((resolve) => logger.flush(() => resolve()));
}
