import { expect, test } from 'vitest';
import { isPseudonym, onward, randomPseudonym } from './hops.ts';

test('the first proxy on a way names itself', () => {
  expect(onward({}, 'me')).toEqual({ via: '1.1 me', 'cdn-loop': 'me' });
});

test('what came in stays, with this proxy at its end', () => {
  expect(onward({ via: '2 edge', 'cdn-loop': 'edge; v=1' }, 'me')).toEqual({
    via: '2 edge, 1.1 me',
    'cdn-loop': 'edge; v=1, me',
  });
  expect(onward({ via: ' ', 'cdn-loop': '' }, 'me')).toEqual({ via: '1.1 me', 'cdn-loop': 'me' });
});

test.each(['me', 'edge, me', 'ME', 'edge;a=1 , me ; b="x"', 'a; note="x, y", me'])('CDN-Loop: %s is a loop', (loop) => {
  expect(() => onward({ 'cdn-loop': loop }, 'me')).toThrow(expect.objectContaining({ status: 508, code: 'loop' }));
});

test.each(['notme', 'me2', 'edge; id=me', 'edge; note="a, me, b"', 'edge; note="\\", me, \\""'])(
  'CDN-Loop: %s is none',
  (loop) => {
    expect(onward({ 'cdn-loop': loop }, 'me')['cdn-loop']).toBe(`${loop}, me`);
  },
);

test('every proxy has a name of its own unless it is given one', () => {
  expect(randomPseudonym()).not.toBe(randomPseudonym());
  expect(isPseudonym(randomPseudonym())).toBe(true);
  expect(['a', 'images.example.com', 'images.example.com:8080'].every(isPseudonym)).toBe(true);
  expect(['', 'a b', 'a,b', 'a;b', 'a"', 'ä', 'a:b'].some(isPseudonym)).toBe(false);
});
