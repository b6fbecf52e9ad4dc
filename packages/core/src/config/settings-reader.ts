import type { OptionKind, OptionKinds, OptionSpec, OptionsOf, OptionTable } from '../contracts/options.ts';
import { SettingsError, type SettingsProblem } from '../contracts/settings-error.ts';
import type { CacheRule } from '../freshness/rules.ts';
import { nearestName } from './nearest-name.ts';
import { expectation, parseOption, type RawSetting } from './parse-option.ts';
import { camelCase, flagName, IMGPROXY_PREFIX, VARIABLE_PREFIX } from './setting-names.ts';

/** Where settings come from. Flags win over the environment, the environment over the file. */
export interface SettingsInput {
  /** By variable name without `TINTYPE_`: `{ CACHE_USE: 'fs' }`. An empty one resets to the default. */
  readonly flags?: Readonly<Record<string, string>>;
  /** An empty string counts as absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings of the config file or of `createProxy`, by camelCase name: `{ cacheUse: 'fs' }`. */
  readonly file?: {
    /** For messages: `tintype.config.ts`. */
    readonly name: string;
    /** Strings, numbers, booleans and lists of strings. */
    readonly settings: Readonly<Record<string, unknown>>;
    /** As they stand in the file: checked where they are used. Plain JSON. */
    readonly endpoints?: unknown;
    readonly cacheRules?: readonly CacheRule[] | undefined;
  };
  /** What relative paths are relative to; the working directory unless given. */
  readonly cwd?: string;
}

/** An option table where it is used: the same table may be read under several prefixes. */
export interface Section<T extends OptionTable = OptionTable> {
  /** Heading of its group in `tintype config` and the reference page. */
  readonly title: string;
  /** What stands between `TINTYPE_` and an option's name: `''`, `CACHE_FS_`, `S3_`. */
  readonly prefix: string;
  readonly table: T;
  /** Why it is read, for the message about a missing required option: `TINTYPE_CACHE_USE=fs`. */
  readonly because?: string;
}

export type SettingSource = 'flag' | 'environment' | 'file' | 'default' | 'unset';

/** One setting as it is in force. */
export interface EffectiveSetting {
  /** `TINTYPE_CACHE_FS_ROOT`, wherever the value came from. */
  readonly variable: string;
  /** As written; paths absolute; booleans `true` or `false`; secrets `••••`; empty if unset. */
  readonly value: string;
  readonly source: SettingSource;
  /** What exactly gave it: `--ttl`, `IMGPROXY_KEY`, `PORT`, `tintype.config.ts`; empty if nothing did. */
  readonly from: string;
  readonly spec: OptionSpec;
  /** Title of its section. */
  readonly section: string;
}

/** What stands for a secret wherever it would be shown. */
export const HIDDEN = '••••';

interface Found {
  readonly raw: unknown;
  readonly source: 'flag' | 'environment' | 'file';
  readonly from: string;
  /** How a message calls it: `TINTYPE_TTL`, `--ttl`, `ttl in tintype.config.ts`. */
  readonly name: string;
}

/** Parsed where a value is wrong or missing, so that reading goes on and finds every other problem. */
const PLACEHOLDERS: OptionKinds = {
  string: '',
  boolean: false,
  integer: 0,
  number: 0,
  seconds: 0,
  bytes: 0,
  megapixels: 0,
  enum: '',
  list: [],
  hexList: [],
  path: '',
  bind: { kind: 'tcp', host: '127.0.0.1', port: 0 },
};

/** Read by test runs only; a server started by one must not wonder about them. */
const TEST_PREFIX = `${VARIABLE_PREFIX}TEST_`;

/**
 * Reads settings by option tables and remembers everything that is wrong, so that `finish` can tell
 * all of it at once. Precedence: flags, `TINTYPE_*`, `IMGPROXY_*`, aliases, the file, defaults.
 */
export class SettingsReader {
  readonly #input: SettingsInput;
  readonly #cwd: string;
  readonly #problems: SettingsProblem[] = [];
  readonly #effective = new Map<string, EffectiveSetting>();
  /** Names without `TINTYPE_`. */
  readonly #known = new Set<string>();
  /** Whole names outside `TINTYPE_*`. */
  readonly #foreign = new Set<string>();

  constructor(input: SettingsInput) {
    this.#input = input;
    this.#cwd = input.cwd ?? process.cwd();
  }

  /**
   * The settings of a section, placeholders in place of wrong ones: use them for nothing but further
   * checks until `finish` has returned.
   */
  read<T extends OptionTable>(section: Section<T>): OptionsOf<T> {
    this.know(section);
    const values: Record<string, unknown> = {};
    for (const [name, spec] of Object.entries(section.table)) {
      values[camelCase(name)] = this.#readOne(section, name, spec);
    }
    // One member for each option of the table, parsed by its kind: what OptionsOf spells out.
    return values as OptionsOf<T>;
  }

  /** The options of a part that isn't in use: they may be set, are not read, and raise no warning. */
  know(section: Section): void {
    for (const [name, spec] of Object.entries(section.table)) {
      this.#known.add(section.prefix + name);
      for (const other of otherVariables(section, name, spec)) this.#foreign.add(other);
    }
  }

  /** Whether anything was wrong so far: then what `read` returned holds placeholders. */
  get hasProblems(): boolean {
    return this.#problems.length > 0;
  }

  /** Whether this variable was found wrong. */
  hasProblem(variable: string): boolean {
    return this.#problems.some((problem) => problem.variable === variable);
  }

  /** Adds what only several settings together show. `variable` is a whole name, `message` a sentence. */
  problem(variable: string, message: string): void {
    if (!this.#problems.some((known) => known.message === message)) this.#problems.push({ variable, message });
  }

  /** @throws SettingsError with every problem so far. Says nothing of what was never read. */
  throwProblems(): void {
    if (this.#problems.length > 0) throw new SettingsError(this.#problems);
  }

  /**
   * Call it when every section has been read or made known.
   *
   * @throws SettingsError with every problem.
   */
  finish(): { readonly effective: readonly EffectiveSetting[]; readonly warnings: readonly string[] } {
    this.#refuseUnknown();
    const unknown = this.#unknownVariables();
    if (this.#problems.length > 0) {
      // A misspelt variable is often the reason why another one is missing.
      throw new SettingsError([...this.#problems, ...unknown]);
    }
    const warnings = [...unknown.map(({ message }) => message), ...this.#withoutCounterpart()];
    return { effective: [...this.#effective.values()], warnings };
  }

  #readOne(section: Section, name: string, spec: OptionSpec): unknown {
    const variable = VARIABLE_PREFIX + section.prefix + name;
    const found = this.#find(section, name, spec);
    const fallback = spec.default === undefined ? undefined : this.#parseDefault(variable, spec, spec.default);
    if (found === undefined) {
      this.#remember(section, variable, spec, fallback === undefined ? 'unset' : 'default', '', spec.default ?? '');
      if (spec.required && spec.default === undefined) {
        const when = section.because === undefined ? '' : ` when ${section.because}`;
        this.problem(variable, `${variable} is required${when}.`);
        return PLACEHOLDERS[spec.kind];
      }
      return fallback;
    }
    const parsed = isRaw(found.raw)
      ? parseOption(spec, found.raw, this.#cwd)
      : ({ ok: false, expected: expectation(spec) } as const);
    const shown = show(found.raw);
    this.#remember(section, variable, spec, found.source, found.from, shown);
    if (parsed.ok) return parsed.value;
    const value = spec.secret ? `"${HIDDEN}"` : isRaw(found.raw) ? JSON.stringify(found.raw) : `of the wrong type`;
    this.problem(variable, `${found.name} is ${value}; expected ${parsed.expected}.`);
    return fallback ?? PLACEHOLDERS[spec.kind];
  }

  #find(section: Section, name: string, spec: OptionSpec): Found | undefined {
    const key = section.prefix + name;
    const flag = this.#input.flags?.[key];
    if (flag !== undefined) {
      const called = flagName(key);
      return flag.trim() === '' ? undefined : { raw: flag, source: 'flag', from: called, name: called };
    }
    for (const variable of [VARIABLE_PREFIX + key, ...otherVariables(section, name, spec)]) {
      const text = this.#input.env?.[variable];
      if (text !== undefined && text.trim() !== '') {
        return { raw: text, source: 'environment', from: variable, name: variable };
      }
    }
    const file = this.#input.file;
    const property = camelCase(key);
    if (file === undefined || !Object.hasOwn(file.settings, property)) return undefined;
    const raw = file.settings[property];
    if (raw === undefined || raw === null || raw === '') return undefined;
    return { raw, source: 'file', from: file.name, name: `${property} in ${file.name}` };
  }

  #parseDefault(variable: string, spec: OptionSpec, text: string): OptionKinds[OptionKind] {
    const parsed = parseOption(spec, text, this.#cwd);
    // A mistake of whoever wrote the table: no setting of the operator can mend it.
    if (!parsed.ok) throw new TypeError(`The default "${text}" of ${variable} is not ${parsed.expected}.`);
    return parsed.value;
  }

  #remember(
    section: Section,
    variable: string,
    spec: OptionSpec,
    source: SettingSource,
    from: string,
    text: string,
  ): void {
    const canonical = spec.kind === 'path' || spec.kind === 'boolean';
    const parsed = canonical && text !== '' ? parseOption(spec, text, this.#cwd) : undefined;
    const value = spec.secret && text !== '' ? HIDDEN : parsed?.ok ? String(parsed.value) : text;
    this.#effective.set(variable, { variable, value, source, from, spec, section: section.title });
  }

  #refuseUnknown(): void {
    for (const key of Object.keys(this.#input.flags ?? {})) {
      if (this.#known.has(key)) continue;
      const flag = flagName(key);
      this.problem(flag, `${flag} is not a known flag${this.#suggestion(flag, flagName)}.`);
    }
    const file = this.#input.file;
    if (file === undefined) return;
    const properties = new Set([...this.#known].map(camelCase));
    for (const property of Object.keys(file.settings)) {
      if (properties.has(property)) continue;
      const variable = `${property} in ${file.name}`;
      this.problem(variable, `${variable} is not a known setting${this.#suggestion(property, camelCase)}.`);
    }
  }

  #unknownVariables(): SettingsProblem[] {
    return this.#setVariables(VARIABLE_PREFIX)
      .filter(
        (variable) => !variable.startsWith(TEST_PREFIX) && !this.#known.has(variable.slice(VARIABLE_PREFIX.length)),
      )
      .map((variable) => {
        const nearest = nearestName(variable.slice(VARIABLE_PREFIX.length), this.#known);
        const hint = nearest === undefined ? '.' : `; did you mean ${VARIABLE_PREFIX}${nearest}?`;
        return { variable, message: `${variable} is not a known variable and is ignored${hint}` };
      });
  }

  /** One line for all of them: whoever comes from imgproxy may have dozens. */
  #withoutCounterpart(): string[] {
    const ignored = this.#setVariables(IMGPROXY_PREFIX).filter((variable) => !this.#foreign.has(variable));
    return ignored.length === 0 ? [] : [`Without a counterpart here and ignored: ${ignored.sort().join(', ')}.`];
  }

  #setVariables(prefix: string): string[] {
    const env = this.#input.env ?? {};
    return Object.keys(env).filter((variable) => variable.startsWith(prefix) && env[variable]);
  }

  #suggestion(written: string, spell: (name: string) => string): string {
    const nearest = nearestName(written, [...this.#known].map(spell));
    return nearest === undefined ? '' : `; the nearest is ${nearest}`;
  }
}

/** The variables that are read, in this order, where the `TINTYPE_` one is absent. */
export function otherVariables(section: Section, name: string, spec: OptionSpec): string[] {
  const imgproxy = spec.imgproxy === true ? section.prefix + name : spec.imgproxy;
  return [...(imgproxy === undefined ? [] : [IMGPROXY_PREFIX + imgproxy]), ...(spec.aliases ?? [])];
}

function isRaw(value: unknown): value is RawSetting {
  return (
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (Array.isArray(value) && value.every((item) => typeof item === 'string'))
  );
}

function show(raw: unknown): string {
  if (!isRaw(raw)) return '';
  return typeof raw === 'object' ? raw.join(',') : String(raw).trim();
}
