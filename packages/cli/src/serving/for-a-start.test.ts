import { coreSection, VARIABLE_PREFIX } from '@tintype/core';
import { expect, test } from 'vitest';
import { asStarted, FOR_A_START } from './for-a-start.ts';

const file = (settings: Readonly<Record<string, unknown>>) => ({ name: 'tintype.config.ts', settings });

test('what a start decides stays as it was then, the rest is as in the file now', () => {
  const start = file({ bind: ':8182', maxClients: 4, ttl: 1 });
  const now = { ...file({ bind: ':8188', logFormat: 'pretty', ttl: 2 }), cacheRules: [] };
  expect(asStarted(start, now)).toEqual({ ...file({ bind: ':8182', maxClients: 4, ttl: 2 }), cacheRules: [] });
  expect(asStarted(undefined, file({ bind: ':8188', ttl: 2 }))).toEqual(file({ ttl: 2 }));
});

test('each variable that only a start decides is a setting', () => {
  const known = new Set(Object.keys(coreSection.table).map((name) => VARIABLE_PREFIX + coreSection.prefix + name));
  expect([...FOR_A_START].filter((variable) => !known.has(variable))).toEqual([]);
});
