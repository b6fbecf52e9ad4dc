import { readFile } from 'node:fs/promises';
import { crc32 as nodesCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from './checksum.ts';

describe('a checksum', () => {
  it('is that of the standard', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(crc32(Buffer.alloc(0))).toBe(0);
  });

  it('is what Node has, for every length and from every offset, whole or in pieces', async () => {
    const photograph = await readFile(new URL('../../../examples/demo/images/rocket.jpg', import.meta.url));
    for (let length = 0; length < 300; length++) {
      const bytes = photograph.subarray(length, 2 * length);
      expect(crc32(bytes)).toBe(nodesCrc32(bytes));
    }
    const whole = nodesCrc32(photograph);
    expect(crc32(photograph)).toBe(whole);
    for (const cut of [1, 4_095, 4_096, photograph.length - 1]) {
      expect(crc32(photograph.subarray(cut), crc32(photograph.subarray(0, cut)))).toBe(whole);
    }
  });

  it('is made by the processor where this platform has a binary', async () => {
    const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'];
    if (platforms.includes(`${process.platform}-${process.arch}`)) expect(crc32).not.toBe(nodesCrc32);
  });
});
