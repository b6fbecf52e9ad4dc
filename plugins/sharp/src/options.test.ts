import { SettingsError } from '@tintype/core';
import { expect, it } from 'vitest';
import { parseFormatQualities } from './options.ts';

it('reads qualities by format, by either name of JPEG', () => {
  expect([...parseFormatQualities(['webp=79', ' jpg = 60 ', 'jxl=77'])]).toEqual([
    ['webp', 79],
    ['jpeg', 60],
    ['jxl', 77],
  ]);
});

it('names every item that is wrong', () => {
  let caught: unknown;
  try {
    parseFormatQualities(['webp=0', 'avif=63', 'jpeg', 'bad=5', 'png=1e2', 'gif=1=2']);
  } catch (cause) {
    caught = cause;
  }
  expect(SettingsError.is(caught)).toBe(true);
  expect(String(caught).match(/"[^"]*"/g)).toEqual(['"webp=0"', '"jpeg"', '"bad=5"', '"png=1e2"', '"gif=1=2"']);
});
