import { RequestError } from '@tintype/core';
import { Arguments } from './arguments.ts';
import type { Patch } from './draft.ts';
import { echo } from './echo.ts';
import { OPTIONS_BY_NAME, PRESET_NAMES } from './processing-options.ts';
import { UNSUPPORTED_OPTIONS } from './unsupported-options.ts';

/** Gives the patch of a preset. @throws RequestError if there is none of this name. */
export type PresetLookup = (name: string) => Patch;

/**
 * Reads one option as it stands between two slashes, `name:argument:argument`, and writes what it
 * asks for.
 *
 * @throws RequestError 400: `unknown-option`, `unsupported-option`, `invalid-argument`, …
 */
export function applyOption(segment: string, patch: Patch, presets: PresetLookup): void {
  const args = Arguments.of(segment);
  const option = OPTIONS_BY_NAME.get(args.option);
  if (option !== undefined) {
    args.atMost(option.most);
    option.read(args, patch);
  } else if (PRESET_NAMES.has(args.option)) {
    if (args.count === 0) throw args.wrong(0, 'what follows', 'the name of a preset');
    for (let i = 0; i < args.count; i += 1) Object.assign(patch, presets(args.text(i)));
  } else {
    throw notAnOption(args);
  }
}

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'local', 's3', 'gs', 'abs', 'swift']);

function notAnOption({ option, count }: Arguments): RequestError {
  if (UNSUPPORTED_OPTIONS.has(option)) {
    return new RequestError(
      400,
      'unsupported-option',
      `Option "${option}" is one of imgproxy's that is not supported yet.`,
    );
  }
  const hint = count === 0 && SCHEMES.has(option) ? '; a source that is not base64 needs /plain/ before it' : '';
  return new RequestError(400, 'unknown-option', `Option ${echo(option)} is unknown${hint}.`);
}
