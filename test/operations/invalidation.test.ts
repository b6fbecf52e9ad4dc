import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask } from './client.ts';
import { Folder, TintypeProcess, WITHOUT_CHILD } from './tintype-process.ts';

test('what one serving process has changed no other serves any more, once the client has its answer', async () => {
  let value = 0;
  const origin = createServer({ keepAliveTimeout: 0 }, (asked, response) => {
    if (asked.method === 'PUT') value += 1;
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(String(value));
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const base = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  await using folder = await Folder.make();
  const config = { endpoints: [{ path: '/', origins: [base], methods: '*' }] };
  await writeFile(join(folder.path, 'tintype.config.ts'), `export default ${JSON.stringify(config)};\n`);
  try {
    // Each has a memory of its own, which only it can remove anything from.
    const env = { ...WITHOUT_CHILD, TINTYPE_PROCESSES: '2', TINTYPE_CACHE_USE: 'memory' };
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const url = `${await proxy.serves()}/value`;
    // Connections are handed out in turn: two requests are one to each process.
    const both = async (): Promise<readonly string[]> => [
      (await ask(url)).body.toString(),
      (await ask(url)).body.toString(),
    ];
    for (const expected of ['0', '1', '2']) {
      await both();
      await both();
      expect(await both()).toEqual([expected, expected]);
      expect(await put(url)).toBe(200);
    }
    expect(await both()).toEqual(['3', '3']);
    expect(await proxy.stop()).toBe(0);
  } finally {
    origin.closeAllConnections();
    origin.close();
  }
}, 180_000);

function put(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'PUT', agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end('new');
  });
}
