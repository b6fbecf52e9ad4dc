import { expect, test } from 'vitest';

test('tests run over the sources, not over a build that may be old', () => {
  expect(import.meta.resolve('@tintype/core')).toMatch(/\/packages\/core\/src\/index\.ts$/);
});
