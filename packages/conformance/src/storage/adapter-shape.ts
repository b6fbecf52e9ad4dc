import type { StorageAdapter } from '@tintype/core';

const METHODS = ['open', 'close', 'get', 'stat', 'put', 'setMetadata', 'delete', 'list', 'check'] as const;

/** What a value lacks to be a storage adapter, by name; of an adapter, nothing. */
export function lackingOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return ['capabilities', ...METHODS];
  const members = value as Record<string, unknown>;
  const lacking: string[] = METHODS.filter((name) => typeof members[name] !== 'function');
  const { capabilities } = members;
  if (typeof capabilities !== 'object' || capabilities === null) return ['capabilities', ...lacking];
  // The others are a requirement; without these the suite cannot tell what to expect.
  for (const name of ['readConsistency', 'listConsistency'] as const) {
    const kind = (capabilities as Record<string, { readonly kind?: unknown } | undefined>)[name]?.kind;
    if (kind === undefined) lacking.unshift(`capabilities.${name}`);
  }
  return lacking;
}

/** Whether a value has all that a storage adapter has. */
export function isAdapter(value: unknown): value is StorageAdapter {
  return lackingOf(value).length === 0;
}
