import { expect, test } from 'vitest';
import { shownAddress } from './shown-address.ts';

test.each([
  ['ftp://storage', '"ftp://storage"'],
  ['https://admin:hunter2@storage/x', '"https://…@storage/x"'],
  ['https://admin:hunt/er2@storage', '"https://…@storage"'],
  ['//admin:hunter2@storage', '"//…@storage"'],
  ['hunter2@storage', '"…@storage"'],
  ['https://storage/?sig=hunter2', '"https://storage/?…"'],
  ['https://storage/#hunter2', '"https://storage/#…"'],
  ['https://a:hunter2@b?x@y', '"https://…@b?…"'],
])('%s is shown as %s', (address, shown) => {
  expect(shownAddress(address)).toBe(shown);
});
