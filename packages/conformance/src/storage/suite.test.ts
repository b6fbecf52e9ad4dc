import { describe, expect, test } from 'vitest';
import { storageRequirements } from '../catalogue/catalogue.ts';
import { CappedReference } from '../zoo/capped-reference.ts';
import { referenceSubject } from '../zoo/reference-subject.ts';
import { storageConformance } from './storage-conformance.ts';
import { storageTests } from './tests/all.ts';

describe('the catalogue and the suite', () => {
  test('every requirement has a test', () => {
    const tested = new Set<string>(storageTests.map((each) => each.requirement));
    expect([...storageRequirements.keys()].filter((id) => !tested.has(id))).toEqual([]);
  });

  test('every test names a requirement of the catalogue', () => {
    expect(storageTests.map((each) => each.requirement).filter((id) => !storageRequirements.has(id))).toEqual([]);
  });

  test('titles tell tests apart', () => {
    const titles = storageTests.map((each) => each.title);
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
  });

  test('ids are unique and begin with their group', () => {
    for (const id of storageRequirements.keys()) expect(id).toMatch(/^[a-z]+\.[a-z0-9-]+$/);
  });
});

storageConformance({
  name: 'the reference storage',
  harness: {
    create: () => ({
      ...referenceSubject(),
      capped: (maxBytes) => ({ adapter: new CappedReference(maxBytes) }),
      without: { network: 'the reference has no server; the one over HTTP has, in the zoo' },
    }),
  },
  runner: { describe, test },
});
