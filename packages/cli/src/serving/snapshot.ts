import { type Section, type SettingsInput, SettingsReader, VARIABLE_PREFIX } from '@tintype/core';

/** Every setting as it was parsed, by variable: to see what has changed, secrets included. */
export type Snapshot = ReadonlyMap<string, string>;

/** What is wrong with settings is not its business: `createProxy` tells it. */
export function snapshotOf(sections: readonly Section[], input: SettingsInput): Snapshot {
  const reader = new SettingsReader(input);
  const values = new Map<string, string>();
  for (const section of sections) {
    const parsed = Object.values(reader.read(section));
    for (const [at, name] of Object.keys(section.table).entries()) {
      values.set(VARIABLE_PREFIX + section.prefix + name, JSON.stringify(parsed[at]) ?? '');
    }
  }
  return values;
}

/** The variables whose values differ. */
export function changesBetween(before: Snapshot, after: Snapshot): readonly string[] {
  return [...after].flatMap(([variable, value]) => (before.get(variable) === value ? [] : [variable]));
}

/** Settings of the cache that concern the pipeline and not the storage. */
const NOT_THE_STORAGE = new Set(['CACHE_KEY_HEADERS', 'CACHE_KEY_COOKIES', 'CACHE_REPORT_ERRORS'].map(withPrefix));

const OF_TRANSFORMING = new Set(['TRANSFORMER_USE', 'TRANSFORM_PROCESSES', 'WORKERS'].map(withPrefix));

/** What the storage is made from: with the same text it need not be made anew. */
export function storageFingerprint(snapshot: Snapshot): string {
  return join(snapshot, (name) => name.startsWith(withPrefix('CACHE_')) && !NOT_THE_STORAGE.has(name));
}

/** What the transformer and its processes are made from. */
export function transformerFingerprint(sections: readonly Section[], snapshot: Snapshot): string {
  const own = sections.filter(({ title }) => title.startsWith('Transformer '));
  const names = new Set(
    own.flatMap(({ prefix, table }) => Object.keys(table).map((name) => withPrefix(prefix + name))),
  );
  return join(snapshot, (name) => OF_TRANSFORMING.has(name) || names.has(name));
}

function join(snapshot: Snapshot, takes: (variable: string) => boolean): string {
  return JSON.stringify([...snapshot].filter(([variable]) => takes(variable)));
}

function withPrefix(name: string): string {
  return VARIABLE_PREFIX + name;
}
