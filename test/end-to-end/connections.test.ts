import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type Answer, EndpointRig, Origin } from './endpoint-rig.ts';

// Whatever was connected to without looking at its address must not be used for a URL of a client's: a
// connection that is there already would lead it around the rules for addresses.

const answer: RequestListener = (request, response) =>
  void response.writeHead(200, { 'Cache-Control': 'no-store' }).end(request.url);

/** One server, as the trusted origin of `/mine` and among those that clients may choose below `/web`. */
async function bothWays(settings: Readonly<Record<string, unknown>>) {
  const origin = await Origin.start(answer);
  const { port } = new URL(origin.base);
  // A name, whose address is looked at only where a connection is made.
  const base = `http://localhost:${port}/`;
  const endpoints = [
    { path: '/mine', origins: [base] },
    { path: '/web', webProxy: [base] },
  ];
  const rig = await EndpointRig.start(endpoints, settings);
  return {
    mine: (path: string): Promise<Answer> => rig.ask(`/mine/${path}`),
    chosen: (path: string): Promise<Answer> => rig.ask(`/web/${base}${path}`),
    /** The connection that each request came over. */
    sockets: (): readonly Socket[] => origin.requests.map(({ socket }) => socket),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

test('an open connection to the operator’s own origin leads no client’s URL to its address', async () => {
  await using there = await bothWays({});
  expect((await there.mine('a')).body).toBe('/a');
  const { status, body } = await there.chosen('b');
  expect([status, body]).toEqual([403, expect.stringContaining('loopback address')]);
  // It was there to be used, and still is.
  expect((await there.mine('c')).body).toBe('/c');
  const [first, second] = there.sockets();
  expect(there.sockets()).toHaveLength(2);
  expect(second).toBe(first);
});

test('where that address is allowed, each of the two ways still has connections of its own', async () => {
  await using there = await bothWays({ allowLoopbackSourceAddresses: true });
  for (const path of ['a', 'b']) {
    expect((await there.mine(path)).body).toBe(`/${path}`);
    expect((await there.chosen(path)).body).toBe(`/${path}`);
  }
  const [mine, chosen, mineAgain, chosenAgain] = there.sockets();
  expect(chosen).not.toBe(mine);
  expect([mineAgain, chosenAgain]).toEqual([mine, chosen]);
});
