import { createProxy } from '@tintype/core';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { createLogger, startServer } from '@tintype/server';
import sharp from '@tintype/sharp';
import { expect, test } from 'vitest';
import { Origin } from './endpoint-rig.ts';

test('the log shows paths of endpoints, and hides signatures where they are', async () => {
  await using origin = await Origin.start((_request, response) => response.writeHead(404).end());
  const proxy = await createProxy({
    plugins: [memory, http, sharp, imgproxyUrl],
    endpoints: [
      { path: '/', origins: [origin.base] },
      { path: '/img', origins: [origin.base], dialect: 'imgproxy-url' },
    ],
  });
  await proxy.open();
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const destination = {
    write(line: string): void {
      lines.push(line);
      for (const wake of waiting) wake();
    },
  };
  const logger = createLogger({ level: 'info', format: 'json', destination });
  const server = await startServer(proxy, { bind: { kind: 'tcp', host: '127.0.0.1', port: 0 }, logger });
  try {
    const targets = ['/2026/a.html?token=abc', '/img/oKfUtW34Dvo2BGQe/w:9/plain/a.jpg'];
    for (const target of targets) await (await fetch(server.address + target)).text();
    while (lines.length < targets.length) await new Promise<void>((resolve) => waiting.add(resolve));
    expect(lines.map((line) => JSON.parse(line).url)).toEqual(['/2026/a.html?token=***', '/img/***/w:9/plain/a.jpg']);
  } finally {
    await server.close();
    await proxy.close();
  }
});
