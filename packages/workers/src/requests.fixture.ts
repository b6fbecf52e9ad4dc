import { NO_OPERATIONS, type TransformRequest } from '@tintype/core';

/** Asks a stubborn transformer (`stubborn.fixture.ts`) to do what these words say. */
export function asking(words: string, overrides: Partial<TransformRequest> = {}): TransformRequest {
  return {
    input: Buffer.from(words),
    operations: NO_OPERATIONS,
    output: { format: null, quality: 0 },
    limits: { maxSourcePixels: 1, maxFrames: 1, maxResultDimension: 1 },
    signal: new AbortController().signal,
    ...overrides,
  };
}
