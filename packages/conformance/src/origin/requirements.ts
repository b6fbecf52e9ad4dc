import type { Requirement } from '../catalogue/requirement.ts';

/** What every origin owes. */
export const originRequirements: readonly Requirement[] = [
  {
    id: 'origin.schemes',
    level: 'must',
    rule: 'It names the schemes that it takes, in lower case and without colon.',
    source: 'Origin.schemes',
  },
  {
    id: 'origin.bytes-are-exact',
    level: 'must',
    rule: 'A resource comes with status 200 and exactly its bytes, empty and large ones included.',
    source: 'Origin.fetch',
  },
  {
    id: 'origin.missing-is-404',
    level: 'must',
    rule: 'A resource that is not there is an answer with status 404, not an error.',
    source: 'OriginResponse: "A missing object is status 404, not an error."',
  },
  {
    id: 'origin.fields',
    level: 'must',
    rule: 'Fields have lower-case names, Content-Type and validators come through, and a Content-Length is the body’s.',
    source: 'HttpFields; OriginResponse.headers',
  },
  {
    id: 'origin.end-to-end-only',
    level: 'must',
    rule: 'No hop-by-hop field and no Set-Cookie comes through.',
    source: 'OriginResponse.headers: "End-to-end fields only."; RFC 9110 §7.6.1',
  },
  {
    id: 'origin.not-modified',
    level: 'must',
    rule: 'A conditional request with the validator that it gave itself is answered 304 without a body.',
    source: 'OriginRequest.headers; RFC 9110 §13',
  },
  {
    id: 'origin.modified',
    level: 'must',
    rule: 'A conditional request with another validator is answered in full.',
    source: 'OriginRequest.headers; RFC 9110 §13',
  },
  {
    id: 'origin.max-bytes',
    level: 'must',
    rule: 'More than `maxBytes` is `too-large`, before more bytes than that were delivered; exactly as many are fine.',
    source: 'OriginRequest.maxBytes',
  },
  {
    id: 'origin.abort',
    level: 'must',
    rule: 'An aborted fetch settles within a second, and an aborted body is whole or throws.',
    source: 'OriginRequest.signal',
  },
  {
    id: 'origin.unread-bodies',
    level: 'must',
    rule: 'After 100 bodies that were discarded unread, the next fetch is answered and nothing is left open.',
    source: 'Body.discard',
  },
  {
    id: 'origin.body-is-read-once',
    level: 'must',
    rule: 'A second consumption of a body throws.',
    source: 'Body',
  },
  {
    id: 'origin.takes-file',
    level: 'must',
    rule: 'With `takesFile` an answer has the same status, fields, bytes and limits as without; an origin may ignore it.',
    source: 'OriginRequest.takesFile',
  },
  {
    id: 'origin.file-is-the-body',
    level: 'must',
    rule: 'Only who asks is given a file; the first `size` bytes that another process reads from it are the body’s.',
    source: 'Body.file, BodyFile',
  },
  {
    id: 'origin.file-stays',
    level: 'must',
    rule: 'A file holds its body’s bytes until that is consumed or discarded, although its source was replaced.',
    source: 'BodyFile.path',
  },
  {
    id: 'origin.file-is-released',
    level: 'must',
    rule: 'Nothing is left open of files whose bodies were read, left early, discarded or aborted.',
    source: 'Body.file, Body.discard',
  },
  {
    id: 'origin.concurrent',
    level: 'must',
    rule: 'Fetches at the same time do not mix.',
    source: 'Origin.fetch',
  },
  {
    id: 'origin.errors',
    level: 'must',
    rule: 'A source that cannot be is an `OriginError` with code `invalid-source` or `refused`, or a 404.',
    source: 'OriginErrorCode',
  },
  {
    id: 'origin.check',
    level: 'must',
    rule: '`check` of an origin that works is ok and has a summary.',
    source: 'Origin.check',
  },
  {
    id: 'origin.close-releases',
    level: 'must',
    rule: '`close` leaves nothing open, and a second instance works on.',
    source: 'Origin.close',
  },
];
