import { expect, test } from 'vitest';
import { Admission } from './admission.ts';
import { SeenLately } from './seen-lately.ts';

const key = (variant: number, source = 'a') => `v1/00/${source}/${String(variant).padStart(40, '0')}`;

test('a result is stored when it was asked for twice', () => {
  const admission = new Admission(100);
  admission.asked(key(1), false);
  expect(admission.objection(key(1))).toBe('first-request');
  admission.asked(key(2), false);
  expect(admission.objection(key(1))).toBe('first-request');
  admission.asked(key(1), false);
  expect(admission.objection(key(1))).toBeUndefined();
});

test('an entry that is only too old is replaced at its first request', () => {
  const admission = new Admission(100);
  admission.asked(key(1), true);
  expect(admission.objection(key(1))).toBeUndefined();
});

test('so many variants of a source are stored and no more; those may be stored again', () => {
  const admission = new Admission(3);
  const store = (variant: number, source: string) => {
    admission.asked(key(variant, source), true);
    const objection = admission.objection(key(variant, source));
    if (objection === undefined) admission.admit(key(variant, source));
    return objection ?? 'stored';
  };
  expect([1, 2, 3, 4, 2, 5].map((variant) => store(variant, 'a'))).toEqual([
    'stored',
    'stored',
    'stored',
    'too-many-variants',
    'stored',
    'too-many-variants',
  ]);
  expect(store(4, 'b')).toBe('stored');
});

test('a stranger who takes all places of a source keeps none for longer than an hour', () => {
  let minutes = 0;
  const admission = new Admission(3, () => minutes * 60_000);
  const store = (variant: number) => {
    admission.asked(key(variant), true);
    if (admission.objection(key(variant)) !== undefined) return false;
    admission.admit(key(variant));
    return true;
  };
  expect([1, 2, 3, 9].map(store)).toEqual([true, true, true, false]);
  minutes = 30;
  // Stored again, it counts from then on.
  expect(store(1)).toBe(true);
  minutes = 59;
  expect(store(9)).toBe(false);
  minutes = 60;
  expect([9, 8, 7].map(store)).toEqual([true, true, false]);
  minutes = 90;
  expect([7, 6].map(store)).toEqual([true, false]);
});

test('no limit is no limit', () => {
  const admission = new Admission(Number.POSITIVE_INFINITY);
  for (let variant = 0; variant < 1_000; variant++) {
    admission.asked(key(variant), true);
    expect(admission.objection(key(variant))).toBeUndefined();
    admission.admit(key(variant));
  }
});

test('what was seen lately is known, what was seen long ago is not, and memory does not grow', () => {
  const seen = new SeenLately(1_000);
  for (let index = 0; index < 10_000; index++) seen.add(`text ${index}`);
  for (let index = 9_000; index < 10_000; index++) expect(seen.has(`text ${index}`)).toBe(true);
  let mistaken = 0;
  for (let index = 0; index < 7_000; index++) if (seen.has(`text ${index}`)) mistaken++;
  expect(mistaken).toBeLessThan(7_000 / 50);
});
