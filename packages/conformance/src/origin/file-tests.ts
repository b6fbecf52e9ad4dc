import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import {
  type BodyFile,
  collect,
  type HttpFields,
  OriginError,
  type OriginRequest,
  type OriginResponse,
} from '@tintype/core';
import { Inconclusive, NotApplicable } from '../engine/outcome.ts';
import type { PlainTest } from '../engine/plain-suite.ts';
import { settled } from '../engine/waiting.ts';
import { bytesDiffer } from '../storage/client.ts';
import { expect } from '../storage/env.ts';
import type { OriginEnv } from './origin-conformance.ts';
import { readElsewhere } from './read-elsewhere.ts';
import { leftOver, resource } from './resources.ts';

/** A process is started in between, which takes long on a busy machine. */
const WITH_PROCESS_MS = 90_000;

/** Nothing, little, and more than an origin would read at once. */
const SIZES = [0, 1, 65_537, 5 * 1024 * 1024];

/** Fields that tell of the moment. */
const OF_NOW = ['age', 'date', 'expires'];

const NO_FILES = 'does not apply: the origin hands over no files';

interface Answer {
  readonly outcome: string;
  readonly headers: HttpFields;
  readonly bytes: Uint8Array;
}

/** All of an answer, or the code of the error. */
async function answerOf(env: OriginEnv, source: string, request: Partial<OriginRequest>): Promise<Answer> {
  const got = await settled(async () => {
    const { body, status, headers, setsCookie = false, finalUrl = source } = await env.fetch(source, request);
    // Looking for a file costs nothing.
    if ((body.file?.size ?? 0) < 0) throw new RangeError('A file of less than 0 bytes.');
    return { outcome: JSON.stringify({ status, setsCookie, finalUrl }), headers, bytes: await collect(body.stream()) };
  });
  if (got.ok) return got.value;
  const outcome = OriginError.is(got.error) ? `an error (${got.error.code})` : String(got.error);
  return { outcome, headers: {}, bytes: new Uint8Array() };
}

/** How an answer differs with `takesFile`, if it does. */
async function differenceWithFile(
  env: OriginEnv,
  source: string,
  request: Partial<OriginRequest>,
): Promise<string | undefined> {
  const plain = await answerOf(env, source, request);
  const named = await answerOf(env, source, { ...request, takesFile: true });
  if (named.outcome !== plain.outcome) return `${named.outcome} instead of ${plain.outcome}`;
  const bytes = bytesDiffer(named.bytes, plain.bytes);
  if (bytes !== undefined) return bytes;
  const names = [...new Set([...Object.keys(plain.headers), ...Object.keys(named.headers)])];
  const other = names.filter((name) => !OF_NOW.includes(name) && plain.headers[name] !== named.headers[name]);
  if (other.length === 0) return undefined;
  // Some are never twice the same, whoever asks.
  const again = await answerOf(env, source, request);
  const name = other.find((each) => again.headers[each] === plain.headers[each]);
  return name && `${name}: ${named.headers[name]} instead of ${plain.headers[name]}`;
}

/** A response with its file. */
async function withFile(env: OriginEnv, source: string, request: Partial<OriginRequest> = {}) {
  const response = await env.fetch(source, { ...request, takesFile: true });
  const { file } = response.body;
  if (file !== undefined) return { response, file };
  await response.body.discard();
  throw new NotApplicable(NO_FILES);
}

/** That another process reads exactly `bytes` from each file. */
async function expectFiles(
  held: readonly { readonly file: BodyFile; readonly bytes: Uint8Array; readonly what: string }[],
): Promise<void> {
  const read = await settled(readElsewhere(held.map(({ file }) => file)));
  if (!read.ok) throw new Inconclusive(`No process could be started to read files: ${String(read.error)}`);
  for (const [index, { file, bytes, what }] of held.entries()) {
    expect(isAbsolute(file.path), `The path of ${what} depends on the process: ${file.path}.`);
    expect(file.size === bytes.length, `The file of ${what} has size ${file.size} instead of ${bytes.length}.`);
    const result = read.value[index];
    const problem = result !== undefined && 'problem' in result ? result.problem : undefined;
    expect(problem === undefined, `Another process cannot read ${what}: ${problem}.`);
    const isSame =
      result !== undefined && 'digest' in result && result.digest === createHash('sha256').update(bytes).digest('hex');
    expect(isSame, `Another process reads other bytes of ${what} than are the body’s.`);
  }
}

/** What may be done with a response; nothing is left of it then. */
const ENDS: readonly (readonly [string, (response: OriginResponse, abort: AbortController) => Promise<unknown>])[] = [
  ['was read', ({ body }) => body.bytes()],
  ['was streamed', ({ body }) => collect(body.stream())],
  [
    'was left early',
    async ({ body }) => {
      for await (const _ of body.stream()) break;
    },
  ],
  ['was discarded', ({ body }) => body.discard()],
  [
    'was discarded before its first chunk',
    ({ body }) => {
      body.stream();
      return body.discard();
    },
  ],
  [
    'was discarded twice',
    async ({ body }) => {
      await body.discard();
      await body.discard();
    },
  ],
  [
    'was aborted',
    async ({ body }, abort) => {
      abort.abort(new Error('nobody wants it'));
      await settled(body.bytes());
    },
  ],
];

/** What is owed with `OriginRequest.takesFile`. */
export const fileTests: readonly PlainTest<OriginEnv>[] = [
  {
    requirement: 'origin.takes-file',
    title: 'the same answers: whole, parts, unchanged, too large, missing',
    async run(env) {
      const expectSame = async (what: string, source: string, request: Partial<OriginRequest> = {}) => {
        const difference = await differenceWithFile(env, source, request);
        expect(difference === undefined, `Asked for as a file, ${what} is ${difference}.`);
      };
      for (const size of SIZES) {
        const source = await env.subject.serve(resource(`as-file-${size}`, size));
        await expectSame(`a body of ${size} bytes`, source, { maxBytes: size });
        if (size > 0) await expectSame(`a body of ${size} bytes, one too many,`, source, { maxBytes: size - 1 });
      }
      const source = await env.subject.serve(resource('as-file'));
      for (const range of ['bytes=0-99', 'bytes=100-299', 'bytes=-50', 'bytes=999999-']) {
        await expectSame(`Range: ${range}`, source, { headers: { range } });
      }
      const { headers } = await answerOf(env, source, {});
      const { etag, 'last-modified': modified } = headers;
      await expectSame('what has not changed', source, {
        headers: { ...(etag && { 'if-none-match': etag }), ...(modified && { 'if-modified-since': modified }) },
      });
      await expectSame('what is not there', env.subject.missing);
    },
  },
  {
    requirement: 'origin.file-is-the-body',
    title: 'several at a time and a part, read by another process',
    timeoutMs: WITH_PROCESS_MS,
    async run(env) {
      const held: { file: BodyFile; bytes: Uint8Array; what: string; response: OriginResponse }[] = [];
      for (const size of SIZES) {
        const given = resource(`file-${size}`, size);
        const source = await env.subject.serve(given);
        const plain = await env.fetch(source);
        await plain.body.discard();
        expect(plain.body.file === undefined, `A body of ${size} bytes is a file although nobody asked for one.`);
        for (const range of [undefined, 'bytes=100-299']) {
          const response = await env.fetch(source, { headers: { range }, takesFile: true });
          const bytes = response.status === 206 ? given.body.subarray(100, 300) : given.body;
          const what = `a body of ${bytes.length} bytes`;
          const { file } = response.body;
          if (file === undefined) await response.body.discard();
          else held.push({ file, bytes, what, response });
        }
      }
      if (held.length === 0) throw new NotApplicable(NO_FILES);
      await expectFiles(held);
      for (const { response } of held) await response.body.discard();
    },
  },
  {
    requirement: 'origin.file-stays',
    title: 'while others have the same one, and give it back',
    timeoutMs: WITH_PROCESS_MS,
    async run(env) {
      const given = resource('wanted-twice');
      const source = await env.subject.serve(given);
      const { response, file } = await withFile(env, source);
      await (await withFile(env, source)).response.body.discard();
      await (await withFile(env, source)).response.body.bytes();
      await expectFiles([{ file, bytes: given.body, what: 'a body that others have had' }]);
      await response.body.discard();
    },
  },
  {
    requirement: 'origin.file-stays',
    title: 'while its source is replaced',
    timeoutMs: WITH_PROCESS_MS,
    async run(env) {
      const given = resource('replaced');
      const source = await env.subject.serve(given);
      const { response, file } = await withFile(env, source);
      if (env.subject.replace === undefined) throw new NotApplicable('the harness has no `replace`');
      await env.subject.replace(resource('replaced', given.body.length));
      await expectFiles([{ file, bytes: given.body, what: 'a body whose source was replaced' }]);
      await response.body.discard();
    },
  },
  {
    requirement: 'origin.file-is-released',
    title: 'however its body ended',
    async run(env) {
      const source = await env.subject.serve(resource('released', 300_000));
      // What stays open for the next fetch, such as a connection, is no file's.
      await (await env.fetch(source)).body.bytes();
      const known = (await env.subject.leaks?.()) ?? [];
      await (await withFile(env, source)).response.body.discard();
      if (env.subject.leaks === undefined) throw new NotApplicable('the harness has no `leaks`');
      for (const [how, end] of ENDS) {
        const abort = new AbortController();
        const { response } = await withFile(env, source, { signal: abort.signal });
        await end(response, abort);
        const left = await leftOver(env, known);
        expect(left.length === 0, `After a file ${how} ${left.join(', ')} is left.`);
      }
    },
  },
];
