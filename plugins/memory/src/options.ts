import type { OptionsOf } from '@tintype/core';

/** Settings of the memory storage. */
export const memoryOptions = {
  MAX_BYTES: {
    kind: 'bytes',
    default: '256MiB',
    min: 0,
    description:
      'Bytes that bodies, keys and metadata may take together; least recently used entries make room. 0 = unlimited.',
  },
} as const;

export type MemoryOptions = OptionsOf<typeof memoryOptions>;
