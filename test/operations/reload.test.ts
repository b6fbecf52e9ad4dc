import { createHmac } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask } from './client.ts';
import { CAN_SEE_CHILDREN, childrenOf, Folder, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

const PATH = '/rs:fit:60/plain/local:///rocket.jpg';
const OLD = { key: 'aa11', salt: 'bb22' };
const NEW = { key: 'cc33', salt: 'dd44' };

function signed({ key, salt }: typeof OLD, path = PATH): string {
  const mac = createHmac('sha256', Buffer.from(key, 'hex')).update(Buffer.from(salt, 'hex')).update(path);
  return `/${mac.digest('base64url')}${path}`;
}

describe('SIGHUP', () => {
  test('puts other keys in force; what is cached in memory and the processes that transform stay', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ...OLD, cacheUse: 'memory' });
    await using proxy = new TintypeProcess({ cwd: folder.path });
    const address = await proxy.serves();
    const cacheStatus = async () => String((await ask(address + signed(OLD))).headers['cache-status']);
    expect(await cacheStatus()).toContain('fwd=uri-miss');
    // The answer does not wait for the store.
    await until(async () => (await cacheStatus()).includes('hit'));
    const children = CAN_SEE_CHILDREN ? await childrenOf(proxy.pid) : [];

    await folder.configure({ ...NEW, cacheUse: 'memory', trustedSignatures: ['trusted'] });
    proxy.signal('SIGHUP');
    const { msg } = await proxy.said(/^The configuration was read again/);
    expect(msg).toContain('TINTYPE_KEY, TINTYPE_SALT, TINTYPE_TRUSTED_SIGNATURES changed');
    expect(JSON.stringify(proxy.lines)).not.toMatch(/aa11|cc33|dd44/);

    expect((await ask(address + signed(OLD))).status).toBe(403);
    const { status, headers } = await ask(address + signed(NEW));
    expect(status).toBe(200);
    expect(headers['cache-status']).toContain('hit');
    if (CAN_SEE_CHILDREN) expect(await childrenOf(proxy.pid)).toEqual(children);
    // A new image still can be made.
    expect((await ask(`${address}/trusted/rs:fit:61/plain/local:///rocket.jpg`)).status).toBe(200);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('of a wrong configuration tells all that is wrong, and the one before stays', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ...OLD });
    await using proxy = new TintypeProcess({ cwd: folder.path });
    const address = await proxy.serves();

    await folder.configure({ ...NEW, ttl: 'soon', cachUse: 'fs' });
    proxy.signal('SIGHUP');
    const { level, msg } = await proxy.said(/^The new configuration is not used, the one before stays/);
    expect(level).toBe(50);
    expect(msg).toMatch(/2 settings are wrong:\n.*ttl in tintype\.config\.ts is "soon"[\s\S]*cachUse/);
    expect((await ask(address + signed(OLD))).status).toBe(200);

    await writeFile(join(folder.path, 'tintype.config.ts'), 'export default {{');
    proxy.signal('SIGHUP');
    await proxy.said(/not used.*tintype\.config\.ts could not be loaded/);
    expect((await ask(address + signed(OLD))).status).toBe(200);

    // Perhaps somebody is about to put another one in its place: that must not open the proxy to all.
    await rm(join(folder.path, 'tintype.config.ts'));
    proxy.signal('SIGHUP');
    await proxy.said(/not used.*tintype\.config\.ts is gone/);
    expect((await ask(`${address}/unsafe${PATH}`)).status).toBe(403);

    await folder.configure({ ...NEW });
    proxy.signal('SIGHUP');
    await proxy.said(/^The configuration was read again/);
    expect((await ask(address + signed(NEW))).status).toBe(200);

    // Whoever wants that says so, and is told what it means.
    await folder.configure({});
    proxy.signal('SIGHUP');
    await proxy.said(/^UNSAFE: any URL is answered, signed or not, because no TINTYPE_KEY is set$/);
    expect((await ask(`${address}/unsafe${PATH}`)).status).toBe(200);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('says what needs a restart', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ttl: 1000 });
    const env = { TINTYPE_BIND: '' };
    await folder.configure({ ttl: 1000, bind: '127.0.0.1:0' });
    await using proxy = new TintypeProcess({ cwd: folder.path, env });
    const address = await proxy.serves();
    await folder.configure({ ttl: 2000, bind: '127.0.0.1:1' });
    proxy.signal('SIGHUP');
    await proxy.said(/^A restart is needed before this is in force: TINTYPE_BIND\.$/);
    const { headers } = await ask(`${address}/unsafe${PATH}`);
    expect(headers['cache-control']).toContain('max-age=2000');
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('is refused where it would leave an address open to all, on which it goes on to listen', async () => {
    await using folder = await Folder.make();
    await folder.configure({ ...OLD, bind: '0.0.0.0:0' });
    await using proxy = new TintypeProcess({ cwd: folder.path, env: { ...WITHOUT_CHILD, TINTYPE_BIND: '' } });
    const { port } = new URL(await proxy.serves());
    await folder.configure({ bind: '127.0.0.1:0' });
    proxy.signal('SIGHUP');
    await proxy.said(/^The new configuration is not used, .*TINTYPE_KEY/);
    expect((await ask(`http://127.0.0.1:${port}/unsafe${PATH}`)).status).toBe(403);
    expect(await proxy.stop()).toBe(0);
  }, 180_000);

  test('is no reason to stay for one that is told to stop meanwhile', async () => {
    await using folder = await Folder.make();
    await folder.configure({ workers: 2 });
    await using proxy = new TintypeProcess({ cwd: folder.path });
    await proxy.serves();
    const before = CAN_SEE_CHILDREN ? await childrenOf(proxy.pid) : [];
    // With other processes that transform, which are there before the configuration is in force.
    await folder.configure({ workers: 3, ttl: 1000 });
    proxy.signal('SIGHUP');
    if (CAN_SEE_CHILDREN) await until(async () => (await childrenOf(proxy.pid)).some((pid) => !before.includes(pid)));
    proxy.signal('SIGTERM');
    await proxy.said(/^Stopped\.$/);
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
    expect(proxy.lines.at(-1)?.msg).toBe('Stopped.');
  }, 180_000);

  test('with another cache serves from that one', async () => {
    await using folder = await Folder.make();
    await folder.configure({ cacheUse: 'memory' });
    await using proxy = new TintypeProcess({ cwd: folder.path });
    const address = await proxy.serves();
    await ask(`${address}/unsafe${PATH}`);
    await folder.configure({ cacheUse: 'fs', cacheFsRoot: join(folder.path, 'cache') });
    proxy.signal('SIGHUP');
    await proxy.said(/^The configuration was read again/);
    expect((await ask(`${address}/unsafe${PATH}`)).headers['cache-status']).toContain('fwd=uri-miss');
    await until(async () => String((await ask(`${address}/unsafe${PATH}`)).headers['cache-status']).includes('hit'));
    expect(await proxy.stop()).toBe(0);
  }, 180_000);
});
