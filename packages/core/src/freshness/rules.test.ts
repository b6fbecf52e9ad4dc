import { expect, test } from 'vitest';
import { coreSection } from '../config/core-options.ts';
import { SettingsReader } from '../config/settings-reader.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import { NO_OPERATIONS } from '../contracts/operations.ts';
import { imagePolicies } from './rules.ts';

const settings = new SettingsReader({ env: {} }).read(coreSection);
const image = (source: string, blur = 0): ImageRequest => ({
  source,
  mode: 'transform',
  operations: { ...NO_OPERATIONS, blur },
  output: { format: null, quality: 0 },
  cachebuster: '',
  response: {},
});

test('the first rule that fits in all it says decides', () => {
  const policyOf = imagePolicies(settings, [
    { source: 'https://news.test/*', operation: 'blur', cache: false },
    { source: ['https://news.test/*', 'https://other.test/*'], ttl: 60 },
    { path: ['*/pr:*', '*/preset:*'] },
    { cache: false },
  ]);
  expect(policyOf(image('https://news.test/a', 5), '/_/x').cached).toBe(false);
  expect(policyOf(image('https://news.test/a'), '/_/x')).toMatchObject({ cached: true, http: { edgeTtl: 60 } });
  expect(policyOf(image('https://a.test/a'), '/_/pr:thumb/x')).toMatchObject({
    cached: true,
    http: { edgeTtl: undefined },
  });
  expect(policyOf(image('https://a.test/a'), '/_/w:50/x').cached).toBe(false);
});

test('what is wrong with rules is told all at once', () => {
  const wrong = [{ sauce: 'x' }, { operation: 'blurr' }, { ttl: -5 }] as never;
  expect(() => imagePolicies(settings, wrong)).toThrow(
    /cacheRules\[0\].*sauce[\s\S]*cacheRules\[1\].*blurr[\s\S]*cacheRules\[2\]/,
  );
});
