import {
  type Dialect,
  type DialectRequest,
  type ImageRequest,
  type KeyRing,
  type PresetUse,
  RequestError,
  SettingsError,
  type SettingsProblem,
  type Signature,
} from '@tintype/core';
import { Arguments } from './arguments.ts';
import { type Draft, finish, START } from './draft.ts';
import { readFormat } from './formats.ts';
import { applyOption } from './option-list.ts';
import type { ImgproxyUrlOptions } from './options.ts';
import { splitTarget, unescapeColons } from './path.ts';
import { Presets } from './presets.ts';
import { isResizeType, OPTIONS_BY_NAME, PRESET_NAMES } from './processing-options.ts';
import { signPayload, verifySignature } from './signature.ts';
import { isAbsolute, readSource } from './source.ts';

/**
 * imgproxy's URLs: `/{signature}/{options}/plain/{source}@{ext}` and
 * `/{signature}/{options}/{base64}.{ext}`. imgproxy: Generating the URL.
 *
 * Unlike imgproxy it takes no wrong input for another: every fault is an error that names the option.
 */
export class ImgproxyDialect implements Dialect {
  readonly #presets: Presets;
  readonly #onlyPresets: boolean;
  readonly #baseUrl: string;
  /** Where every URL starts: the defaults, and the preset `default`. */
  readonly #start: Readonly<Draft>;

  /** @throws SettingsError with all that is wrong with presets and base URL. */
  constructor(options: ImgproxyUrlOptions) {
    const problems: SettingsProblem[] = [];
    this.#presets = new Presets(options.presets, problems);
    this.#onlyPresets = options.onlyPresets;
    this.#baseUrl = options.baseUrl;
    this.#start = { ...START, ...this.#presets.fallback };
    if (options.baseUrl !== '' && !isAbsolute(options.baseUrl)) {
      const message = 'TINTYPE_BASE_URL must begin with a scheme, as in https://images.example.com/.';
      problems.push({ variable: 'TINTYPE_BASE_URL', message });
    }
    if (problems.length > 0) throw new SettingsError(problems);
  }

  signatureOf(request: DialectRequest): Signature {
    return splitTarget(request.target);
  }

  parse(request: DialectRequest): ImageRequest {
    const { payload } = splitTarget(request.target);
    const draft: Draft = { ...this.#start };
    const at = this.#onlyPresets ? this.#readPresets(payload, draft) : this.#readOptions(payload, draft);
    if (at >= payload.length) throw new RequestError(400, 'invalid-source', 'The source is missing.');
    const { source, extension } = readSource(payload.slice(at), this.#baseUrl);
    if (extension !== '' && !draft.raw) draft.format = readFormat(extension);
    return finish(draft, source);
  }

  presetsOf(request: DialectRequest): PresetUse {
    const { payload } = splitTarget(request.target);
    return this.#onlyPresets ? onlyNames(payload) : presetUse(payload);
  }

  verify(signature: Signature, keys: KeyRing): boolean {
    return verifySignature(signature, keys);
  }

  sign(path: string, keys: KeyRing): string {
    if (!path.startsWith('/') || path.length === 1) {
      throw new RequestError(400, 'invalid-path', 'A path to sign begins with a slash and names options or a source.');
    }
    const foreign = /[^!-~]|[?#]/.exec(path);
    if (foreign !== null) {
      const message = 'A path to sign has everything but printable ASCII percent-escaped, and ? as %3F, # as %23.';
      throw new RequestError(400, 'invalid-path', message);
    }
    return `/${signPayload(path, keys)}${path}`;
  }

  /** Reads segments as long as they have arguments; returns where the source begins. */
  #readOptions(payload: string, draft: Draft): number {
    let at = 1;
    while (at < payload.length) {
      const end = endOfSegment(payload, at);
      const segment = unescapeColons(payload.slice(at, end));
      if (!segment.includes(':')) {
        if (at === 1 && end < payload.length && isResizeType(segment)) throw deprecatedFormat();
        return at;
      }
      applyOption(segment, draft, this.#presets.patch);
      at = end + 1;
    }
    return at;
  }

  /** Reads the one segment `name:name`; returns where the source begins. */
  #readPresets(payload: string, draft: Draft): number {
    const end = endOfSegment(payload, 1);
    applyOption(`preset:${unescapeColons(payload.slice(1, end))}`, draft, this.#presets.patch);
    return end + 1;
  }
}

/** The segment `name:name`. */
function onlyNames(payload: string): PresetUse {
  const names = Arguments.of(`preset:${unescapeColons(payload.slice(1, endOfSegment(payload, 1)))}`);
  return { names: textsOf(names), alone: true };
}

function presetUse(payload: string): PresetUse {
  const names: string[] = [];
  let others = 0;
  for (let at = 1; at < payload.length; ) {
    const end = endOfSegment(payload, at);
    const segment = unescapeColons(payload.slice(at, end));
    if (!segment.includes(':')) break;
    const args = Arguments.of(segment);
    if (PRESET_NAMES.has(args.option)) names.push(...textsOf(args));
    else if (!BESIDE_PRESETS.has(OPTIONS_BY_NAME.get(args.option)?.names[0] ?? '')) others += 1;
    at = end + 1;
  }
  return { names, alone: names.length > 0 && others === 0 };
}

function textsOf(args: Arguments): readonly string[] {
  return Array.from({ length: args.count }, (_, index) => args.text(index));
}

/** Options, by their long names, that make no image of another kind: they take nothing from presets being all. */
const BESIDE_PRESETS: ReadonlySet<string> = new Set([
  'format',
  'cachebuster',
  'expires',
  'filename',
  'return_attachment',
]);

function endOfSegment(payload: string, at: number): number {
  const end = payload.indexOf('/', at);
  return end === -1 ? payload.length : end;
}

function deprecatedFormat(): RequestError {
  const message = "This is imgproxy's old basic URL format; write options by name, as in rs:fill:300:200.";
  return new RequestError(400, 'invalid-path', message);
}
