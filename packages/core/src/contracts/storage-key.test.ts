import { describe, expect, it } from 'vitest';
import { storageKey, whyNotAKey } from './storage-key.ts';

/** The contract's words as a regular expression: segments of allowed characters, none empty, none ending in ".". */
const CONTRACT = /^[a-z0-9._-]*[a-z0-9_-](?:\/[a-z0-9._-]*[a-z0-9_-])*$/;

describe('a key', () => {
  it('is what the contract says, for every text of four of these characters', () => {
    const characters = ['', 'a', '0', '-', '_', '.', '/', 'A', 'é', ' ', '\u0000', '\u{1f600}'];
    for (const a of characters) {
      for (const b of characters) {
        for (const c of characters) {
          for (const d of characters) {
            const text = a + b + c + d;
            expect([text, whyNotAKey(text) === undefined]).toEqual([text, CONTRACT.test(text)]);
          }
        }
      }
    }
  });

  it('has 512 bytes at most', () => {
    expect(storageKey('k'.repeat(512))).toHaveLength(512);
    expect(whyNotAKey('k'.repeat(513))).toBe('has 513 bytes, 512 are allowed');
  });

  it.each([
    ['', 'is empty'],
    ['a//b', 'has an empty segment'],
    ['a/', 'has an empty segment'],
    ['a./b', 'has a segment that ends in "."'],
    ['Ab', 'contains "A", allowed are a-z 0-9 . _ / -'],
  ])('%j is refused with a reason', (text, reason) => {
    expect(whyNotAKey(text)).toBe(reason);
  });
});
