import { expect, test } from 'vitest';
import { createProxy } from './create-proxy.ts';

test.each([
  ['nope', /TINTYPE_CACHE_USE|cacheUse/, false],
  ['memory,fs', /Several, nearest first, are TINTYPE_CACHE_TIERS=memory,fs\./, true],
])('a storage that is none is told of, and who wants several is told how: %s', async (cacheUse, told, several) => {
  const message = await createProxy({ plugins: [], settings: { cacheUse } }).then(
    () => '',
    (error: Error) => error.message,
  );
  expect(message).toMatch(told);
  expect(message).toContain(`names "${cacheUse}"; expected one of the installed storages`);
  expect(message.includes('TIERS')).toBe(several);
});
