import { collect, type OriginResponse } from '@tintype/core';
import { NotApplicable } from '../engine/outcome.ts';
import { Patience } from '../engine/patience.ts';
import { Random } from '../engine/random.ts';
import { pause } from '../engine/waiting.ts';
import { bytesDiffer } from '../storage/client.ts';
import { expect } from '../storage/env.ts';
import type { OriginEnv, OriginResource } from './origin-conformance.ts';

/** How long the other side may take to notice an end, in milliseconds: less than servers keep an idle connection. */
const NOTICED_MS = 4_000;

const random = new Random('origin');

/** A picture's worth of random bytes. */
export function resource(name: string, size = 10_000): OriginResource {
  return { name, body: random.bytes(size), contentType: 'image/png' };
}

/** That it is the whole resource. */
export async function expectBody(response: OriginResponse, body: Uint8Array): Promise<void> {
  expect(response.status === 200, `The status is ${response.status} instead of 200.`);
  const differ = bytesDiffer(await collect(response.body.stream()), body);
  expect(differ === undefined, `The body has ${differ}.`);
}

/** A conditional request's answer to the validator that the origin itself gave. */
export async function validators(env: OriginEnv, source: string): Promise<Record<string, string>> {
  const first = await env.fetch(source);
  await first.body.discard();
  const { etag, 'last-modified': modified } = first.headers;
  if (etag !== undefined) return { 'if-none-match': etag };
  if (modified !== undefined) return { 'if-modified-since': modified };
  throw new NotApplicable('the origin gives no validator');
}

/** What is open beyond what was `known`, after a moment in which the other side may notice. */
export async function leftOver({ subject }: OriginEnv, known: readonly string[] = []): Promise<readonly string[]> {
  const look = async () => ((await subject.leaks?.()) ?? []).filter((each) => !known.includes(each));
  let left = await look();
  const patience = new Patience(NOTICED_MS);
  while (left.length > 0 && !patience.isOver) {
    await pause(20);
    left = await look();
  }
  return left;
}
