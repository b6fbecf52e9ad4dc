/**
 * The kinds of settings, and what each is parsed to.
 *
 * | kind | written as | becomes |
 * |---|---|---|
 * | `string` | text | `string` |
 * | `boolean` | `true`, `false`, `1`, `0`, `t`, `f` | `boolean` |
 * | `integer`, `number` | decimal | `number` |
 * | `seconds` | decimal seconds | `number` (seconds) |
 * | `bytes` | bytes, or with `KiB`, `MiB`, `GiB` | `number` (bytes) |
 * | `megapixels` | decimal | `number` (pixels) |
 * | `enum` | one of `choices` | `string` |
 * | `list` | comma-separated | `string[]` |
 * | `hexList` | comma-separated hex | `Uint8Array[]` |
 * | `path` | a path, relative to the working directory | absolute path |
 * | `bind` | `host:port`, `[v6]:port`, `:port` or a socket path | `Bind` |
 */
export interface OptionKinds {
  string: string;
  boolean: boolean;
  integer: number;
  number: number;
  seconds: number;
  bytes: number;
  megapixels: number;
  enum: string;
  list: readonly string[];
  hexList: readonly Uint8Array[];
  path: string;
  bind: Bind;
}

export type OptionKind = keyof OptionKinds;

/** Where a server listens. */
export type Bind =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** One setting, as data: parsing, `tintype config` and the reference page are made from it. */
export interface OptionSpec {
  readonly kind: OptionKind;
  /** One sentence for the reference page: what it does, and the unit. */
  readonly description: string;
  /** As it would be written in the environment. Without one the setting is `undefined` if absent. */
  readonly default?: string;
  /** Never shown, logged or put into an error. */
  readonly secret?: boolean;
  /** Absence is an error. */
  readonly required?: boolean;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /**
   * imgproxy's variable of the same meaning, without `IMGPROXY_`; `true` if it has the same name.
   * It is read when the `TINTYPE_` one is absent.
   */
  readonly imgproxy?: true | string;
  /** Other variables that mean the same, whole names (`PORT`), read after the two above. */
  readonly aliases?: readonly string[];
}

/** Settings by name, in capitals as in the environment, without any prefix: `{ ROOT: { … } }`. */
export type OptionTable = { readonly [name: string]: OptionSpec };

type IsPresent<S extends OptionSpec> = S extends { readonly default: string } | { readonly required: true }
  ? true
  : false;

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<S>;

/** The parsed settings of a table: `MAX_BYTES` becomes `maxBytes`. */
export type OptionsOf<T extends OptionTable> = {
  readonly [K in keyof T & string as CamelCase<K>]: IsPresent<T[K]> extends true
    ? OptionKinds[T[K]['kind']]
    : OptionKinds[T[K]['kind']] | undefined;
};

/**
 * Keeps the literal types of a table, which `OptionsOf` needs. For a table inside a module; one that
 * is exported under `isolatedDeclarations` is written as a literal `{ … } as const` instead.
 */
export function defineOptions<const T extends OptionTable>(table: T): T {
  return table;
}
