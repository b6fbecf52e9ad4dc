import { describe, expect, test } from 'vitest';
import { coreSection } from '../config/core-options.ts';
import { SettingsReader } from '../config/settings-reader.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import { NO_OPERATIONS } from '../contracts/operations.ts';
import { type CacheRule, imagePolicies, type PresetReader } from './rules.ts';
import type { FreshnessSettings } from './settings.ts';

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

describe('presets', () => {
  /** Of targets that name them as a list: `/_/a,b/x`, with `+` for something besides. */
  const dialect: PresetReader = {
    presetsOf: ({ target }) => {
      const text = target.split('/')[2] ?? '';
      const names = text.split(/[,+]/).filter(Boolean);
      return { names, alone: names.length > 0 && !text.includes('+') };
    },
  };
  const policyOf = (rules: readonly CacheRule[], more: Partial<FreshnessSettings> = {}) => {
    const policies = imagePolicies({ ...settings, ...more }, rules);
    return (target: string, asked = image('https://a.test/a')) => policies(asked, target, dialect);
  };

  test('are what a rule may be about: by their names, and that there is nothing else', () => {
    const policy = policyOf([{ preset: 'thumb-*', ttl: 60 }, { presetsOnly: true, ttl: 120 }, { cache: false }]);
    const seen = (target: string) => [policy(target).cached, policy(target).http.edgeTtl];
    expect(seen('/_/thumb-small/x')).toEqual([true, 60]);
    expect(seen('/_/large,thumb-small+/x')).toEqual([true, 60]);
    expect(seen('/_/large/x')).toEqual([true, 120]);
    expect(seen('/_/large+/x')).toEqual([false, undefined]);
    expect(seen('/_//x')).toEqual([false, undefined]);
  });

  test('are all that is kept where the operator wants it so, whatever lifetimes rules give', () => {
    const policy = policyOf([{ source: '*//news*', ttl: 60 }], { cachePresetsOnly: true });
    expect(policy('/_/thumb/x').cached).toBe(true);
    expect(policy('/_/thumb+/x').cached).toBe(false);
    expect(policy('/_//x')).toMatchObject({ cached: false });
    expect(policy('/_//x', image('https://news.test/a'))).toMatchObject({ cached: false, http: { edgeTtl: 60 } });
    expect(policy('/_/thumb/x', { ...image('https://a.test/a'), mode: 'raw' }).cached).toBe(false);
  });

  test('give way to a rule that says what is kept', () => {
    const policy = policyOf(
      [
        { operation: 'blur', cache: true },
        { preset: 'secret', cache: false },
      ],
      {
        cachePresetsOnly: true,
      },
    );
    expect(policy('/_//x', image('https://a.test/a', 5)).cached).toBe(true);
    expect(policy('/_/secret/x').cached).toBe(false);
  });

  test('are none in a grammar without them', () => {
    const policies = imagePolicies({ ...settings, cachePresetsOnly: true });
    expect(policies(image('https://a.test/a'), '/_/thumb/x').cached).toBe(false);
  });
});

test('what is wrong with rules is told all at once', () => {
  const wrong = [{ sauce: 'x' }, { operation: 'blurr' }, { ttl: -5 }, { presetsOnly: 'no' }] as never;
  expect(() => imagePolicies(settings, wrong)).toThrow(
    /cacheRules\[0\].*sauce[\s\S]*cacheRules\[1\].*blurr[\s\S]*cacheRules\[2\][\s\S]*cacheRules\[3\]\.presetsOnly is "no"/,
  );
});
