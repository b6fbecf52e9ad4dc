import { expect, test } from 'vitest';
import { checkName } from './package-name.ts';

test('the kind at the end of a name is not said twice', () => {
  expect(checkName('acme', 'storage')).toBe('acme');
  expect(checkName('acme-storage', 'storage')).toBe('acme');
  expect(checkName('acme-storage', 'origin')).toBe('acme-storage');
});

test('a name that Tintype itself has, or that is none, is one sentence', () => {
  expect(() => checkName('s3-storage', 'storage')).toThrow('Tintype itself has the storage s3');
  expect(() => checkName('-storage', 'storage')).toThrow('must be lower-case letters and digits');
  expect(() => checkName('Acme', 'storage')).toThrow('must be lower-case letters and digits');
});
