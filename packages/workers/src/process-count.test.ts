import { expect, test } from 'vitest';
import { transformProcesses } from './process-count.ts';

const MIB = 1024 * 1024;

test.each([
  ['as many as cores', 2, 8_192, 2],
  ['four, however many cores there are', 64, 65_536, 4],
  ['one for each 256 MiB', 4, 512, 2],
  ['one for each whole 256 MiB', 4, 1_023, 3],
  ['one, however little memory there is', 4, 100, 1],
])('transforming processes: %s', (_, cores, mebibytes, expected) => {
  expect(transformProcesses(cores, mebibytes * MIB)).toBe(expected);
});
