import { expect, test } from 'vitest';
import type { HttpFields } from '../contracts/http-fields.ts';
import { conditionFields, conditionsOf, ofWhole } from './object-conditions.ts';

const DATE = 'Sun, 22 Nov 2026 06:00:00 GMT';

const RANGE = 'bytes=5-9';

test.each<[HttpFields, HttpFields]>([
  [{}, {}],
  [{ 'if-none-match': '"a"' }, { 'if-none-match': '"a"' }],
  [{ 'if-modified-since': DATE }, { 'if-modified-since': DATE }],
  [{ 'if-modified-since': 'Sunday, 22-Nov-26 06:00:00 GMT' }, { 'if-modified-since': DATE }],
  [{ 'if-modified-since': 'yesterday' }, {}],
  // RFC 9110 §13.1.3
  [{ 'if-none-match': '"a"', 'if-modified-since': DATE }, { 'if-none-match': '"a"' }],
  [{ range: RANGE }, { range: RANGE }],
  [
    { range: RANGE, 'if-range': '"a"' },
    { range: RANGE, 'if-match': '"a"' },
  ],
  [
    { range: RANGE, 'if-range': DATE },
    { range: RANGE, 'if-unmodified-since': DATE },
  ],
  // RFC 9110 §13.1.5: a weak tag matches nothing, so the whole is wanted.
  [{ range: RANGE, 'if-range': 'W/"a"' }, {}],
  [{ range: RANGE, 'if-range': 'neither tag nor date' }, {}],
  [{ 'if-range': '"a"' }, {}],
  [{ accept: 'image/webp', authorization: 'none of ours' }, {}],
])('%o is asked of a service as %o', (asked, sent) => {
  expect(conditionFields(conditionsOf(asked))).toEqual(sent);
});

test('where another object is there than If-Range says, only what is about the whole of it remains', () => {
  const asked = { range: RANGE, 'if-range': '"a"', 'if-none-match': '"b"' };
  expect(conditionFields(ofWhole(conditionsOf(asked)))).toEqual({ 'if-none-match': '"b"' });
  expect(ofWhole(conditionsOf({ range: RANGE, 'if-range': DATE }))).toEqual({});
  expect(conditionFields(ofWhole(conditionsOf({ 'if-modified-since': DATE })))).toEqual({ 'if-modified-since': DATE });
});
