import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PHOTOS, plain, type Rig, startProxy, startWebOrigin, temporaryFolder, type WebOrigin } from './rig.ts';

const cat = await readFile(join(PHOTOS, 'chelsea.png'));
const rocket = await readFile(join(PHOTOS, 'rocket.jpg'));

/** An origin with validators: whatever `state` says, 304 to who has it. */
async function startSource(headers: Record<string, string> = {}) {
  const state = { headers: { etag: '"1"', ...headers } as Record<string, string>, body: cat, status: 200 };
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

const url = ({ base }: WebOrigin, options = 'w:20', name = 'a.png') => `/unsafe/${options}/${plain(`${base}/${name}`)}`;
const outcome = (response: Response) => response.headers.get('cache-status');

async function startRig(settings: Record<string, unknown> = {}): Promise<Rig> {
  return startProxy({ cacheUse: 'memory', allowLoopbackSourceAddresses: true, ...settings });
}

describe.each(['memory', 'fs'])('in %s', (storage) => {
  const settings = async () => ({
    cacheUse: storage,
    ...(storage === 'fs' ? { cacheFsRoot: await temporaryFolder() } : {}),
  });

  test('an unchanged source costs a question, and no transform', async () => {
    const { origin } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig(await settings());
    const first = await rig.get(url(origin));
    expect(first.headers.get('cache-control')).toBe('max-age=60');
    expect(outcome(first)).toBe('Tintype; fwd=uri-miss; stored');
    const bytes = Buffer.from(await first.arrayBuffer());
    await rig.stored(1);
    rig.advance(59);
    expect(outcome(await rig.get(url(origin)))).toBe('Tintype; hit; ttl=0');
    rig.advance(2);
    const again = await rig.get(url(origin));
    expect(outcome(again)).toBe('Tintype; fwd=stale; fwd-status=304; stored');
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(Buffer.from(await again.arrayBuffer()).equals(bytes)).toBe(true);
    await expect.poll(async () => outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit; ttl=(59|60)$/);
    expect(rig.count('transformed')).toBe(1);
    expect(origin.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
  });

  test('a changed source replaces the variant', async () => {
    const { origin, state } = await startSource({ 'cache-control': 'max-age=60' });
    const rig = await startRig(await settings());
    const first = await rig.get(url(origin));
    await rig.stored(1);
    state.headers = { etag: '"2"', 'cache-control': 'max-age=60' };
    state.body = rocket;
    rig.advance(61);
    const second = await rig.get(url(origin));
    expect(outcome(second)).toBe('Tintype; fwd=stale; fwd-status=200; stored');
    expect(second.headers.get('etag')).not.toBe(first.headers.get('etag'));
    await rig.stored(2);
    expect(outcome(await rig.get(url(origin)))).toMatch(/^Tintype; hit/);
  });
});
