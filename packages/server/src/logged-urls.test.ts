import { describe, expect, it } from 'vitest';
import { LoggedUrls } from './logged-urls.ts';

describe('a URL in the log', () => {
  it('is redacted, escaped and below its prefix, the first time and again', () => {
    const urls = new LoggedUrls('/images', (target) => target.replace('secret', '***'));
    for (let time = 0; time < 2; time++) expect(urls.json('/secret/"a"')).toBe('"/images/***/\\"a\\""');
    expect(urls.text('/secret/"a"')).toBe('/images/***/"a"');
  });

  it('is worked out once if it is asked for often, however many there are', () => {
    let redacted = 0;
    const urls = new LoggedUrls('', (target) => {
      redacted += 1;
      return target;
    });
    for (let time = 0; time < 3; time++) urls.json('/often');
    expect(redacted).toBe(1);
    for (let number = 0; number < 10_000; number++) expect(urls.json(`/${number}`)).toBe(`"/${number}"`);
    expect(urls.json('/often')).toBe('"/often"');
  });

  it('is redacted anew when its path has got signatures by a reload', () => {
    let signedFrom = -1;
    const urls = new LoggedUrls(
      '',
      (target, from) => (from < 0 ? target : `${target.slice(0, from)}/***`),
      () => signedFrom,
    );
    expect(urls.json('/img/signature')).toBe('"/img/signature"');
    signedFrom = 4;
    expect(urls.json('/img/signature')).toBe('"/img/***"');
  });
});
