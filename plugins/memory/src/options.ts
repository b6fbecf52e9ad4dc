import { MIN_METADATA_BYTES, type OptionsOf, SettingsError, type StorageScope } from '@tintype/core';

/** A quarter of the cap is for one entry's metadata, and that must hold what every storage holds. */
const SMALLEST_CAP = 4 * MIN_METADATA_BYTES;

/** Settings of the memory storage. */
export const memoryOptions = {
  MAX_BYTES: {
    kind: 'bytes',
    default: '256MiB',
    min: 0,
    description:
      'Bytes that bodies, keys and metadata may take together; entries that were not used for long make room. 0 = unlimited.',
  },
} as const;

export type MemoryOptions = OptionsOf<typeof memoryOptions>;

/** @throws SettingsError if the cap is too small for a single entry. */
export function checkMemoryOptions({ maxBytes }: MemoryOptions, scope: StorageScope): void {
  if (maxBytes === 0 || maxBytes >= SMALLEST_CAP) return;
  const variable = `${scope.variablePrefix}MAX_BYTES`;
  const message = `${variable} is ${maxBytes}; expected at least ${SMALLEST_CAP} bytes, or 0 for no limit.`;
  throw new SettingsError([{ variable, message }]);
}
