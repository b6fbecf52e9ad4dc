import sharp from 'sharp';
import { expect, test } from 'vitest';
import { configureLibvips } from './libvips.ts';

test('libvips keeps no results of its own, and takes one thread for each image', () => {
  configureLibvips();
  expect(sharp.cache()).toMatchObject({ memory: { max: 0 }, files: { max: 0 }, items: { max: 0 } });
  expect(sharp.concurrency()).toBe(1);
});
