import { OriginError } from '@tintype/core';
import { NotApplicable, RequirementBroken } from '../engine/outcome.ts';
import type { PlainTest } from '../engine/plain-suite.ts';
import { settled, turn, within } from '../engine/waiting.ts';
import { expect } from '../storage/env.ts';
import { pngOf } from '../transformer/png.ts';
import { fileTests } from './file-tests.ts';
import type { OriginEnv } from './origin-conformance.ts';
import { expectBody, leftOver, resource, validators } from './resources.ts';

/** Longest time for one step, in milliseconds. */
const STEP_MS = 30_000;
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

export const originTests: readonly PlainTest<OriginEnv>[] = [
  {
    requirement: 'origin.schemes',
    title: 'at least one, in lower case, without colon',
    async run({ subject }) {
      const { schemes } = subject.origin;
      expect(schemes.length > 0, 'It takes no scheme.');
      for (const scheme of schemes)
        expect(/^[a-z][a-z0-9+.-]*$/.test(scheme), `${JSON.stringify(scheme)} is no scheme.`);
    },
  },
  {
    requirement: 'origin.bytes-are-exact',
    title: 'bodies of 0 bytes, 1 byte and 3 MiB',
    async run(env) {
      for (const size of [0, 1, 65_537, 3 * 1024 * 1024]) {
        const given = resource(`exact-${size}`, size);
        await expectBody(await env.fetch(await env.subject.serve(given)), given.body);
      }
    },
  },
  {
    requirement: 'origin.missing-is-404',
    title: 'nothing there is status 404',
    async run(env) {
      const response = await env.fetch(env.subject.missing);
      await response.body.discard();
      expect(response.status === 404, `The status is ${response.status}.`);
    },
  },
  {
    requirement: 'origin.fields',
    title: 'names, Content-Type and Content-Length',
    async run(env) {
      const given = { ...resource('fields'), body: pngOf(40, 30) };
      const response = await env.fetch(await env.subject.serve(given));
      await response.body.discard();
      const shouting = Object.keys(response.headers).find((name) => name !== name.toLowerCase());
      expect(shouting === undefined, `The field ${shouting} is not in lower case.`);
      const type = response.headers['content-type'];
      expect(type === given.contentType, `Content-Type is ${type} instead of ${given.contentType}.`);
      const length = response.headers['content-length'];
      const told = length === undefined || Number(length) === given.body.length;
      expect(told, `Content-Length is ${length} for ${given.body.length} bytes.`);
    },
  },
  {
    requirement: 'origin.end-to-end-only',
    title: 'no field of the connection',
    async run(env) {
      for (const source of [await env.subject.serve(resource('hops')), env.subject.missing]) {
        const response = await env.fetch(source);
        await response.body.discard();
        const foreign = [...HOP_BY_HOP, 'set-cookie'].find((name) => response.headers[name] !== undefined);
        expect(foreign === undefined, `The field ${foreign} came through.`);
      }
    },
  },
  {
    requirement: 'origin.not-modified',
    title: 'its own validator gives 304',
    async run(env) {
      const source = await env.subject.serve(resource('validated'));
      const response = await env.fetch(source, { headers: await validators(env, source) });
      const bytes = await response.body.bytes();
      expect(response.status === 304, `The status is ${response.status} instead of 304.`);
      expect(bytes.length === 0, `A 304 came with ${bytes.length} bytes.`);
    },
  },
  {
    requirement: 'origin.modified',
    title: 'another validator gives the resource',
    async run(env) {
      const given = resource('modified');
      const source = await env.subject.serve(given);
      const own = await validators(env, source);
      const other =
        'if-none-match' in own ? { 'if-none-match': '"another"' } : { 'if-modified-since': new Date(0).toUTCString() };
      await expectBody(await env.fetch(source, { headers: other }), given.body);
    },
  },
  {
    requirement: 'origin.max-bytes',
    title: 'one byte too many is too large',
    async run(env) {
      for (const size of [1_000, 1024 * 1024]) {
        const given = resource(`limit-${size}`, size);
        const source = await env.subject.serve(given);
        await expectBody(await env.fetch(source, { maxBytes: size }), given.body);
        let delivered = 0;
        const outcome = await settled(async () => {
          const response = await env.fetch(source, { maxBytes: size - 1 });
          for await (const chunk of response.body.stream()) delivered += chunk.length;
        });
        expect(!outcome.ok, `${size} bytes were delivered with maxBytes ${size - 1}.`);
        const { error } = outcome;
        const right = OriginError.is(error) && error.code === 'too-large';
        expect(right, `It failed with ${OriginError.is(error) ? error.code : String(error)} instead of too-large.`);
        expect(delivered < size, `All ${delivered} bytes were delivered first.`);
      }
    },
  },
  {
    requirement: 'origin.abort',
    title: 'before the answer, and in the middle of the body',
    async run(env) {
      const given = resource('aborted', 4 * 1024 * 1024);
      const source = await env.subject.serve(given);
      const before = settled(env.fetch(source, { signal: AbortSignal.abort(new Error('nobody wants it')) }));
      const early = await within(STEP_MS, 'A fetch that was aborted before it began', before);
      if (early.ok) await early.value.body.discard();
      expect(!early.ok, 'A fetch that was aborted before it began was answered.');
      const controller = new AbortController();
      const response = await env.fetch(source, { signal: controller.signal });
      let length = 0;
      const reading = settled(async () => {
        for await (const chunk of response.body.stream()) {
          length += chunk.length;
          controller.abort(new Error('nobody wants it'));
          await turn();
        }
      });
      const outcome = await within(STEP_MS, 'The body of an aborted fetch', reading);
      expect(
        !outcome.ok || length === given.body.length,
        `The body ended after ${length} of ${given.body.length} bytes.`,
      );
    },
  },
  {
    requirement: 'origin.unread-bodies',
    title: '100 bodies discarded unread, then one more',
    async run(env) {
      const given = resource('unread', 300_000);
      const source = await env.subject.serve(given);
      for (let i = 0; i < 100; i++) {
        const response = await within(STEP_MS, `Fetch ${i + 1}`, env.fetch(source));
        await response.body.discard();
      }
      await expectBody(await within(STEP_MS, 'The fetch after 100 unread bodies', env.fetch(source)), given.body);
    },
  },
  {
    requirement: 'origin.body-is-read-once',
    title: 'a body cannot be consumed twice',
    async run(env) {
      const response = await env.fetch(await env.subject.serve(resource('once')));
      await response.body.bytes();
      const again = await settled(() => response.body.bytes());
      expect(!again.ok, 'bytes() could be called twice.');
      await response.body.discard();
    },
  },
  ...fileTests,
  {
    requirement: 'origin.concurrent',
    title: '20 fetches of 5 resources',
    async run(env) {
      const given = await Promise.all(
        Array.from({ length: 5 }, async (_, i) => {
          const each = resource(`many-${i}`, 20_000 + i * 30_000);
          return { ...each, source: await env.subject.serve(each) };
        }),
      );
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const one = given[i % 5];
          if (one !== undefined) await expectBody(await env.fetch(one.source), one.body);
        }),
      );
    },
  },
  {
    requirement: 'origin.errors',
    title: 'impossible sources are refused',
    async run(env) {
      for (const source of env.subject.invalid ?? [`${env.subject.origin.schemes[0]}:`]) {
        const outcome = await settled(env.fetch(source));
        if (outcome.ok) {
          await outcome.value.body.discard();
          expect(outcome.value.status === 404, `${source} was answered ${outcome.value.status}.`);
          continue;
        }
        const { error } = outcome;
        if (!OriginError.is(error)) throw new RequirementBroken(`${source} rejected with ${String(error)}.`);
        expect(['invalid-source', 'refused'].includes(error.code), `${source} rejected with ${error.code}.`);
      }
    },
  },
  {
    requirement: 'origin.check',
    title: 'check is ok',
    async run(env) {
      const result = await env.subject.origin.check();
      expect(result.ok, `check says ${JSON.stringify(result)}.`);
      expect(result.summary.length > 0, 'check gives no summary.');
    },
  },
  {
    requirement: 'origin.close-releases',
    title: 'close leaves nothing open and others working',
    async run(env) {
      const other = env.subject.another?.();
      if (other === undefined) throw new NotApplicable('the harness has no `another`');
      const given = resource('closing', 300_000);
      const source = await env.subject.serve(given);
      await other.open();
      const { signal } = new AbortController();
      const request = { headers: {}, maxBytes: Number.MAX_SAFE_INTEGER, signal };
      await expectBody(await other.fetch(source, request), given.body);
      // One that nobody will read must not hold it up.
      await other.fetch(source, request);
      await within(STEP_MS, 'close()', other.close());
      const left = await leftOver(env);
      expect(left.length === 0, `close left ${left.join(', ')}.`);
      await expectBody(await env.fetch(source), given.body);
    },
  },
];
