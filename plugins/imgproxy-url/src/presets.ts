import { RequestError, type SettingsProblem } from '@tintype/core';
import type { Patch } from './draft.ts';
import { echo } from './echo.ts';
import { applyOption } from './option-list.ts';

const VARIABLE = 'TINTYPE_PRESETS';

/**
 * Presets, read to their end once: each is a patch, nested ones included, so that a URL that names
 * one costs no parsing.
 */
export class Presets {
  readonly #patches: ReadonlyMap<string, Patch>;
  /** What is applied to every URL before its own options. */
  readonly fallback: Patch;

  /**
   * @param definitions each `name=option/option`; blank ones and those that begin with `#` are skipped.
   * @param problems gets one more for each that is wrong.
   */
  constructor(definitions: readonly string[], problems: SettingsProblem[]) {
    const complain = (message: string): void => {
      problems.push({ variable: VARIABLE, message: `${VARIABLE}: ${message}` });
    };
    this.#patches = compile(split(definitions, complain), complain);
    this.fallback = this.#patches.get('default') ?? {};
  }

  /** @throws RequestError 400 if there is no preset of this name. */
  readonly patch = (name: string): Patch => {
    const patch = this.#patches.get(name);
    if (patch === undefined) throw new RequestError(400, 'unknown-preset', `Preset ${echo(name)} is unknown.`);
    return patch;
  };
}

type Complain = (message: string) => void;

/** Options of each preset, by name. */
function split(definitions: readonly string[], complain: Complain): Map<string, readonly string[]> {
  const presets = new Map<string, readonly string[]>();
  for (const definition of definitions) {
    const text = definition.trim();
    if (text === '' || text.startsWith('#')) continue;
    const at = text.indexOf('=');
    const name = text.slice(0, at).trim();
    const segments = text.slice(at + 1).trim();
    if (at === -1 || name === '' || segments === '') {
      complain(`${echo(text)} is no preset; expected name=option/option.`);
    } else if (presets.has(name)) {
      complain(`The preset ${echo(name)} is defined twice.`);
    } else {
      presets.set(name, segments.split('/'));
    }
  }
  return presets;
}

function compile(presets: ReadonlyMap<string, readonly string[]>, complain: Complain): Map<string, Patch> {
  const done = new Map<string, Patch>();
  const underWay = new Set<string>();

  const patchOf = (name: string): Patch => {
    const known = done.get(name);
    if (known !== undefined) return known;
    const segments = presets.get(name);
    if (segments === undefined) {
      throw new RequestError(400, 'unknown-preset', `It names the preset ${echo(name)}, and there is none.`);
    }
    if (underWay.has(name)) {
      throw new RequestError(400, 'recursive-preset', `It contains itself, by way of ${[...underWay].join(' and ')}.`);
    }
    underWay.add(name);
    try {
      const patch: Patch = {};
      for (const segment of segments) {
        if (!segment.includes(':')) {
          throw new RequestError(400, 'invalid-preset', `${echo(segment)} is no option; expected name:argument.`);
        }
        applyOption(segment, patch, patchOf);
      }
      done.set(name, patch);
      return patch;
    } finally {
      underWay.delete(name);
    }
  };

  for (const name of presets.keys()) {
    try {
      patchOf(name);
    } catch (error) {
      if (!RequestError.is(error)) throw error;
      complain(`The preset ${echo(name)} is wrong: ${error.message}`);
    }
  }
  return done;
}
