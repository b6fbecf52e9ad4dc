import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isPlugin, type StorageAdapter } from '@tintype/core';
import { describeError } from '../engine/outcome.ts';
import { within } from '../engine/waiting.ts';
import { CannotRun, type NamedHarness } from '../run-conformance.ts';
import { isAdapter, lackingOf } from '../storage/adapter-shape.ts';
import { harnessOf } from './harness-of.ts';

/** Longest time for loading a module, and for making an adapter, in milliseconds. */
const LOADED_WITHIN_MS = 30_000;

/**
 * The harness that the default export of a module is or makes.
 *
 * @throws CannotRun with what the module exports instead, in one sentence.
 */
export async function fromModule(
  path: string,
  cwd: string,
  withinMs: number = LOADED_WITHIN_MS,
): Promise<NamedHarness> {
  const exported = await defaultExport(path, resolve(cwd, path), withinMs);
  if (isHarness(exported)) return { name: path, harness: exported };
  if (isAdapter(exported)) {
    throw new CannotRun(`${path} exports one adapter; export a function that makes a fresh one at each call.`);
  }
  if (typeof exported === 'function') {
    const make = callable(exported);
    let made: unknown;
    try {
      made = await within(withinMs, 'the call', make());
    } catch (error) {
      throw new CannotRun(`The default export of ${path} was called and threw ${sentence(error)}.`);
    }
    if (isAdapter(made)) return { name: path, harness: harnessOf(path, make, false) };
    if (isHarness(made)) return { name: path, harness: made };
    throw new CannotRun(
      `The default export of ${path} returned ${kindOf(made)} instead of a storage adapter${lackingText(made)}.`,
    );
  }
  if (isPlugin(exported)) {
    throw new CannotRun(
      `${path} is a plugin: name it in TINTYPE_PLUGINS and its storage in --use; --adapter takes a module that exports a harness.`,
    );
  }
  throw new CannotRun(
    `${path} must export as default a function that makes a storage adapter, its class, or a harness with \`create\`; it exports ${kindOf(exported)}.`,
  );
}

async function defaultExport(path: string, file: string, withinMs: number): Promise<unknown> {
  try {
    await access(file);
  } catch {
    throw new CannotRun(`There is no file ${path} to be loaded, or it can't be read: ${file}.`);
  }
  try {
    const loading: Promise<Record<string, unknown>> = import(pathToFileURL(file).href);
    return (await within(withinMs, 'loading it', loading)).default;
  } catch (error) {
    throw new CannotRun(`${path} cannot be loaded: ${sentence(error)}.`);
  }
}

/** An error in one sentence without its end: Node says on further lines where it looked. */
function sentence(error: unknown): string {
  const [first = ''] = describeError(error).split('\n');
  return first.replace(/\.$/, '');
}

/** A class is made with `new`, a function is called. */
function callable(exported: object): () => StorageAdapter | Promise<StorageAdapter> {
  if (/^class\b/.test(Function.prototype.toString.call(exported))) {
    const Adapter = exported as new () => StorageAdapter;
    return () => new Adapter();
  }
  return exported as () => StorageAdapter;
}

function isHarness(value: unknown): value is NamedHarness['harness'] {
  return typeof value === 'object' && value !== null && 'create' in value && typeof value.create === 'function';
}

/** `: it lacks get, stat`, for an object that has something of an adapter. */
function lackingText(value: unknown): string {
  const lacking = lackingOf(value);
  return lacking.length > 0 && lacking.length < 10 ? `: it lacks ${lacking.join(', ')}` : '';
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    return names.length === 0 ? 'an object with no members' : `an object with ${names.slice(0, 5).join(', ')}`;
  }
  return `a ${typeof value}`;
}
