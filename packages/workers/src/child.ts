// The program of a child process: makes one transformer and runs what it is sent. It ends with its
// parent: signals of the terminal are the parent's to handle, and a lost parent closes the channel.
import process from 'node:process';
import { createTransformer, freeIfWhole, isPlugin, type Plugin, TransformError, type Transformer } from '@tintype/core';
import { INPUT_FD, receiveInputs } from './input-channel.ts';
import type { ChildSetup, FromChild, ToChild } from './protocol.ts';
import { readSourceFile } from './source-file.ts';

let transformer: Transformer | undefined;
const reservations = new Map<number, PromiseWithResolvers<void>>();
let nextReservation = 0;
const inputs = new Map<number, PromiseWithResolvers<Uint8Array>>();
const running = new Map<number, AbortController>();

/** The parent knows why. */
class Refusal extends TransformError {
  constructor() {
    super('overloaded', 'There is no room to make the image.');
  }
}

function send(message: FromChild): void {
  // With a callback, a parent that has just gone is no unhandled error.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

async function setUp({ modules, id, options }: ChildSetup): Promise<void> {
  const plugins: Plugin[] = [];
  for (const url of modules) {
    const module: { readonly default?: unknown } = await import(url);
    plugins.push(...pluginsOf(module.default));
  }
  // By name, so that another version of one takes its place, as in the serving process.
  const unique = [...new Map(plugins.map((plugin) => [plugin.name, plugin])).values()];
  transformer = await createTransformer({ plugins: unique, id, options });
  await transformer.open();
  send({ type: 'ready', revision: transformer.revision, rss: process.memoryUsage.rss() });
}

/** A plugin module exports one; a config file holds a list of them. */
function pluginsOf(exported: unknown): Plugin[] {
  if (isPlugin(exported)) return [exported];
  const listed = typeof exported === 'object' && exported !== null && 'plugins' in exported ? exported.plugins : [];
  return Array.isArray(listed) ? listed.filter(isPlugin) : [];
}

/** Asks the parent, where the memory of all transforms is counted. */
async function ask(id: number, bytes: number, instead: boolean, signal: AbortSignal): Promise<() => void> {
  const reservation = nextReservation++;
  const release = () => {
    if (reservations.delete(reservation)) send({ type: 'release', reservation });
  };
  const answer = Promise.withResolvers<void>();
  const onAbort = () => {
    release();
    answer.reject(signal.reason);
  };
  reservations.set(reservation, answer);
  signal.addEventListener('abort', onAbort, { once: true });
  send({ type: 'reserve', id, reservation, bytes, instead });
  try {
    await answer.promise;
    return release;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** How a job gets memory: of its allowance, as long as that is enough, and else from the parent. */
function reserving(id: number, allowance: number, signal: AbortSignal): (bytes: number) => Promise<() => void> {
  let left = allowance;
  let isGivenBack = false;
  return async (bytes) => {
    signal.throwIfAborted();
    if (!isGivenBack && bytes >= 0 && bytes <= left) {
      left -= bytes;
      let isReleased = false;
      return () => {
        if (!isReleased) left += bytes;
        isReleased = true;
      };
    }
    const instead = !isGivenBack && left === allowance;
    isGivenBack ||= instead;
    return ask(id, bytes, instead, signal);
  };
}

/** The input of a job, which comes before its message or after it. */
function inputOf(id: number): PromiseWithResolvers<Uint8Array> {
  let input = inputs.get(id);
  if (input === undefined) {
    input = Promise.withResolvers();
    inputs.set(id, input);
  }
  return input;
}

async function run(message: Extract<ToChild, { type: 'transform' }>): Promise<void> {
  const { id, operations, output, limits, file, allowance } = message;
  const controller = new AbortController();
  running.set(id, controller);
  const { signal } = controller;
  try {
    const input = await (file === undefined ? inputOf(id).promise : readSourceFile(file, signal));
    inputs.delete(id);
    if (!(input instanceof Uint8Array)) {
      send({ type: 'unread', id, opened: input === 'short' });
      return;
    }
    if (transformer === undefined) throw new TransformError('internal', 'This process has no transformer.');
    const reserve = reserving(id, allowance, signal);
    const result = await transformer.transform({ input, operations, output, limits, signal, reserve });
    send({ type: 'done', id, result, rss: process.memoryUsage.rss() });
    // Not after a failure, when libvips may still be at work on it.
    freeIfWhole(input);
  } catch (error) {
    const known = TransformError.is(error);
    const message = known ? error.message : 'The image could not be made.';
    if (!known && !signal.aborted) console.error(error);
    send({ type: 'failed', id, code: known ? error.code : 'internal', message, refused: error instanceof Refusal });
  } finally {
    running.delete(id);
  }
}

process.on('message', (message: ToChild) => {
  switch (message.type) {
    case 'setup':
      setUp(message.setup).catch((error: unknown) => {
        send({ type: 'unusable', message: error instanceof Error ? error.message : String(error) });
      });
      break;
    case 'transform':
      void run(message);
      break;
    case 'granted':
      reservations.get(message.reservation)?.resolve();
      break;
    case 'refused':
      reservations.get(message.reservation)?.reject(new Refusal());
      reservations.delete(message.reservation);
      break;
    case 'abort':
      running.get(message.id)?.abort(new TransformError('timeout', 'The image took too long to make.'));
      break;
  }
});
receiveInputs(INPUT_FD, (id, input) => inputOf(id).resolve(input));
process.once('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
