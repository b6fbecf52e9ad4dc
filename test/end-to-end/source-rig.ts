import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { CacheRule } from '@tintype/core';
import { PHOTOS, plain, type Rig, startProxy, startWebOrigin, type WebOrigin } from './rig.ts';

/** The photograph that a source is at first. */
export const cat: Buffer = await readFile(join(PHOTOS, 'chelsea.png'));
/** Another one. */
export const rocket: Buffer = await readFile(join(PHOTOS, 'rocket.jpg'));

/** What a source says; a test changes it on the way. */
export interface SourceState {
  headers: Record<string, string>;
  body: Buffer;
  status: number;
}

/** An origin with validators: whatever `state` says, 304 to who has it. */
export async function startSource(
  headers: Record<string, string> = {},
): Promise<{ readonly origin: WebOrigin; readonly state: SourceState }> {
  const state: SourceState = { headers: { etag: '"1"', ...headers }, body: cat, status: 200 };
  const origin = await startWebOrigin((request: IncomingMessage, response: ServerResponse) => {
    const { status, headers: fields, body } = state;
    // The proxy's clock is ahead in these tests: by the origin's own, everything would be old at once.
    response.sendDate = false;
    if (status === 200 && fields.etag !== undefined && request.headers['if-none-match'] === fields.etag) {
      response.writeHead(304, fields).end();
      return;
    }
    response.writeHead(status, { 'content-type': 'image/png', ...fields }).end(body);
  });
  return { origin, state };
}

/** The path of a variant of an origin's image. */
export function url({ base }: Pick<WebOrigin, 'base'>, options = 'w:20', name = 'a.png'): string {
  return `/unsafe/${options}/${plain(`${base}/${name}`)}`;
}

/** How the cache says it handled a request. */
export function outcome(response: Response): string | null {
  return response.headers.get('cache-status');
}

/** The seconds that an answer from the cache is fresh for; NaN for any other. */
export function ttlOf(response: Response): number {
  return Number(/; hit; ttl=(-?\d+)/.exec(outcome(response) ?? '')?.[1] ?? Number.NaN);
}

/** A proxy that keeps results in memory and may fetch from loopback. */
export async function startRig(settings: Record<string, unknown> = {}, rules: readonly CacheRule[] = []): Promise<Rig> {
  return startProxy({ cacheUse: 'memory', allowLoopbackSourceAddresses: true, ...settings }, [], rules);
}
