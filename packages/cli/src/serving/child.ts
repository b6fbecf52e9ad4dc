// The program of a serving process under supervision. It does what the supervisor says and ends with
// it; signals of a terminal or a service manager, which reach all processes, are the supervisor's.
import process from 'node:process';
import { type PurgeAnnouncement, PurgeBook } from '@tintype/core';
import { flushLog, type Logger, standardOutput } from '@tintype/server';
import { compose } from '../composition.ts';
import { describeFailure } from '../failure.ts';
import { makeProxy } from '../make-proxy.ts';
import { endOnDefect } from './last-words.ts';
import type { ChildSetup, FromChild, ToChild } from './protocol.ts';
import { loggerFor, ServingProcess } from './serving-process.ts';

/** Longest time for the last lines of the log, in milliseconds. */
const FLUSH_MS = 1_000;

interface Running {
  readonly service: ServingProcess;
  readonly logger: Logger;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const { promise: running, resolve: isRunning } = Promise.withResolvers<Running>();
let serves = false;

process.on('message', (message: ToChild) => {
  switch (message.type) {
    case 'setup':
      start(message.setup).then((begun) => {
        serves = true;
        isRunning(begun);
      }, refuse);
      break;
    case 'reload':
      void reload(message.id, message.file);
      break;
    case 'metrics':
      void metrics(message.id);
      break;
    case 'purged':
      void hear(message.id, message.purge);
      break;
    case 'announced':
      announced.get(message.id)?.();
      announced.delete(message.id);
      break;
    case 'stop':
      void stop(message.drainDelay);
      break;
  }
});

async function start(setup: ChildSetup): Promise<Running> {
  const { env, flags, file, filePlugins, cwd, place, listenFirst, purges, terminal, color } = setup;
  const before = { file: file ?? undefined, filePlugins };
  const { plugins, transformingModules, sections, ...found } = await compose(flags, { env, cwd }, before);
  const input = { ...found.input, flags };
  const { settings } = await makeProxy(plugins, input);
  const output = standardOutput();
  const logger = loggerFor(settings, { terminal, color, destination: output });
  endOnDefect(logger);
  const droppedLines = () => output.dropped;
  const service = new ServingProcess({
    plugins,
    transformingModules,
    sections,
    input,
    place,
    logger,
    droppedLines,
    listenFirst,
    purges,
    purged,
    tellOthers,
  });
  await service.start((started) => send({ type: 'started', ...started }));
  return { service, logger };
}

async function refuse(error: unknown): Promise<void> {
  const { text, code } = describeFailure(error);
  await send({ type: 'refused', text, code });
  process.exit(code);
}

async function reload(id: number, file: ChildSetup['file']): Promise<void> {
  const { service } = await running;
  await send({ type: 'reloaded', id, problems: await service.reload(file ?? undefined) });
}

async function metrics(id: number): Promise<void> {
  const { service } = await running;
  await send({ type: 'metrics', id, snapshot: await service.snapshot() });
}

/** What this process does not use any more, known before it serves. */
const purged = new PurgeBook();

/** Whoever purged it waits for the answer: not until this process has started, which may take long. */
async function hear(id: number, purge: PurgeAnnouncement): Promise<void> {
  purged.note(purge);
  // What others cannot be told was logged, and is no reason to end.
  const heard = running.then(({ service }) => service.hear(purge)).catch(() => undefined);
  if (serves) await heard;
  await send({ type: 'heard', id });
}

/** What was told to the supervisor and not to all others yet. */
const announced = new Map<number, () => void>();
let purges = 0;

function tellOthers(purge: PurgeAnnouncement): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const id = purges++;
  announced.set(id, resolve);
  // Without a supervisor there is nobody to tell, and this process is about to end.
  if (process.connected) void send({ type: 'purge', id, purge });
  else resolve();
  return promise;
}

async function stop(drainDelay: number | undefined): Promise<void> {
  const { service, logger } = await running;
  await service.stop(drainDelay);
  await flushLog(logger, FLUSH_MS);
  process.exit(0);
}

function send(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
