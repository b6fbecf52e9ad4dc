import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ask } from './client.ts';
import { CAN_SEE_CHILDREN, freePort, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

/** Refused at once, and a long line in the log. */
const LONG = `/unsafe/${'a'.repeat(1_900)}`;
const REQUESTS = 4_000;

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function blocked(env: Record<string, string>) {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const proxy = new TintypeProcess({
    unread: true,
    env: { ...WITHOUT_CHILD, TINTYPE_BIND: `127.0.0.1:${port}`, ...env },
  });
  await until(() =>
    ask(`${address}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return { proxy, address };
}

async function fill(address: string): Promise<void> {
  const clients = Array.from({ length: 8 }, async () => {
    const agent = new Agent({ keepAlive: true });
    for (let request = 0; request < REQUESTS / 8; request++) {
      const { status } = await ask(address + LONG, agent);
      if (status < 400 || status >= 500) throw new Error(`answered ${status}`);
    }
    agent.destroy();
  });
  await Promise.all(clients);
}

describe.each(['1', '2'])('a log that nobody reads, with TINTYPE_PROCESSES=%s', (processes) => {
  test('delays no request, costs lines and not memory, and a later line tells how many', async () => {
    const { proxy, address } = await blocked({ TINTYPE_PROCESSES: processes });
    await using _ = proxy;
    const before = CAN_SEE_CHILDREN ? await residentBytes(proxy.pid) : 0;
    await fill(address);
    // It holds 4 MiB of lines at most; without a limit there would be twice as many.
    if (CAN_SEE_CHILDREN) expect((await residentBytes(proxy.pid)) - before).toBeLessThan(150 * 2 ** 20);
    expect((await ask(`${address}/livez`)).status).toBe(200);

    proxy.read();
    const { dropped } = await proxy.line((line) => typeof line.dropped === 'number');
    expect(dropped).toBeGreaterThan(0);
    const told = () =>
      proxy.lines.reduce((sum, line) => sum + (typeof line.dropped === 'number' ? line.dropped : 0), 0);
    const accounted = () => proxy.lines.filter(({ msg }) => msg === 'request').length + told();
    // One that stops does not wait for long for whoever reads.
    await until(() => accounted() >= REQUESTS);
    expect(await proxy.stop()).toBe(0);
    expect(accounted()).toBe(REQUESTS);
  }, 180_000);

  test('does not keep it from stopping', async () => {
    const { proxy, address } = await blocked({ TINTYPE_PROCESSES: processes });
    await using _ = proxy;
    await fill(address);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);
});
