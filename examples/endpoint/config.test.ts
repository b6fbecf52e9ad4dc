import { createProxy } from '@tintype/core';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import sharp from '@tintype/sharp';
import { expect, test } from 'vitest';
import config from './tintype.config.ts';

test('the config file is right, and its endpoints take what they should', async () => {
  const { endpoints = [] } = config;
  const proxy = await createProxy({ plugins: [http, imgproxyUrl, memory, sharp], endpoints });
  expect(proxy.takes?.('GET', '/anything')).toBe(true);
  expect(proxy.takes?.('POST', '/anything')).toBe(false);
  await proxy.close();
});
