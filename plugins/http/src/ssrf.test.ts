import { expect, test } from 'vitest';
import { checkedLookup, type Lookup, type ResolvedAddress } from './dialer.ts';
import type { HttpOptions } from './options.ts';
import { ask, DEFAULTS, failure, httpServer, openOrigin, tcpServer } from './servers.fixture.ts';

/** A resolver that answers from a table; a list of lists is answered one after another. */
function resolver(names: Record<string, readonly string[] | readonly (readonly string[])[]>): {
  lookup: Lookup;
  asked: string[];
} {
  const asked: string[] = [];
  const lookup: Lookup = async (hostname) => {
    const answers = names[hostname];
    if (answers === undefined) throw Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' });
    const turn = asked.filter((name) => name === hostname).length;
    asked.push(hostname);
    const nth = typeof answers[0] === 'string' ? answers : answers[Math.min(turn, answers.length - 1)];
    return (nth as readonly string[]).map(
      (address): ResolvedAddress => ({ address, family: address.includes(':') ? 6 : 4 }),
    );
  };
  return { lookup, asked };
}

const CLOSED: Partial<HttpOptions> = { allowLoopbackSourceAddresses: false };

/** Hosts as they may stand in a URL. */
const LITERALS: readonly (readonly [host: string, kind: string])[] = [
  ['127.0.0.1', 'loopback'],
  ['127.0.0.1.', 'loopback'],
  ['127.1', 'loopback'],
  ['127.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['2130706433', 'loopback'],
  ['0x7f000001', 'loopback'],
  ['0X7F.1', 'loopback'],
  ['0x7f.0x0.0x0.0x1', 'loopback'],
  ['0177.0.0.1', 'loopback'],
  ['017700000001', 'loopback'],
  ['0177.0x0.1', 'loopback'],
  ['00000177.1', 'loopback'],
  ['127.0.0.%31', 'loopback'],
  ['%31%32%37.1', 'loopback'],
  ['１２７.0.0.1', 'loopback'],
  ['①②⑦.0.0.1', 'loopback'],
  ['127。0。0。1', 'loopback'],
  ['user:pass@127.0.0.1', 'loopback'],
  ['example.org:80@127.0.0.1', 'loopback'],
  ['[::1]', 'loopback'],
  ['[0:0:0:0:0:0:0:1]', 'loopback'],
  ['[0000::0001]', 'loopback'],
  ['[::0.0.0.1]', 'loopback'],
  ['0', 'unspecified'],
  ['0.0.0.0', 'unspecified'],
  ['0x0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['[::]', 'unspecified'],
  ['10.0.0.1', 'private'],
  ['167772161', 'private'],
  ['012.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['0xc0a80001', 'private'],
  ['[fc00::1]', 'private'],
  ['[fd00:ec2::254]', 'private'],
  ['169.254.169.254', 'link-local'],
  ['2852039166', 'link-local'],
  ['0xa9fea9fe', 'link-local'],
  ['0251.0376.0251.0376', 'link-local'],
  ['169.254.43518', 'link-local'],
  ['[fe80::1]', 'link-local'],
  ['100.64.0.1', 'shared'],
  ['100.100.100.200', 'shared'],
  ['192.0.0.192', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['198.51.100.1', 'reserved'],
  ['203.0.113.1', 'reserved'],
  ['192.88.99.1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['4294967295', 'broadcast'],
  ['224.0.0.1', 'multicast'],
  ['[ff02::1]', 'multicast'],
  ['[fec0::1]', 'reserved'],
  ['[2001:db8::1]', 'reserved'],
  ['[100::1]', 'reserved'],
  ['[::ffff:127.0.0.1]', 'tunnelled'],
  ['[::ffff:7f00:1]', 'tunnelled'],
  ['[::ffff:169.254.169.254]', 'tunnelled'],
  ['[::127.0.0.1]', 'tunnelled'],
  ['[::ffff:0:127.0.0.1]', 'tunnelled'],
  ['[64:ff9b::127.0.0.1]', 'tunnelled'],
  ['[64:ff9b:1::10.0.0.1]', 'tunnelled'],
  ['[2002:7f00:1::]', 'tunnelled'],
  ['[2002:a9fe:a9fe::1]', 'tunnelled'],
  ['[2001:0:4136:e378:8000:63bf:80ff:fffe]', 'tunnelled'],
  ['[2a00:1450::5efe:127.0.0.1]', 'tunnelled'],
  ['[2a00:1450::200:5efe:10.0.0.1]', 'tunnelled'],
];

test.each(LITERALS)('http://%s is refused as %s, and nothing is connected to', async (host, kind) => {
  const server = await tcpServer((socket) => socket.end());
  const origin = await openOrigin({ options: CLOSED });
  for (const scheme of ['http', 'https']) {
    const error = await failure(ask(origin, `${scheme}://${host}:${server.port}/secret`));
    expect(error.code).toBe('refused');
    expect(error.message).toMatch(new RegExp(` ${kind} address, `));
    expect(error.message).not.toMatch(/\d/);
  }
  expect(server.sockets).toEqual([]);
});

const NAMED: readonly (readonly [addresses: readonly string[], kind: string])[] = [
  [['127.0.0.1'], 'loopback'],
  [['::1'], 'loopback'],
  [['::1', '127.0.0.1'], 'loopback'],
  [['10.1.2.3'], 'private'],
  [['fd12::1'], 'private'],
  [['169.254.169.254'], 'link-local'],
  [['fe80::1%lo'], 'link-local'],
  [['0.0.0.0'], 'unspecified'],
  [['::ffff:127.0.0.1'], 'tunnelled'],
  [['64:ff9b::7f00:1'], 'tunnelled'],
  [['100.64.1.1'], 'shared'],
  [['not an address'], 'invalid'],
  [[], 'invalid'],
];

test.each(NAMED)('a name that resolves to %j is refused as %s', async (addresses, kind) => {
  const server = await tcpServer((socket) => socket.end());
  const { lookup } = resolver({ 'evil.test': [addresses] });
  const origin = await openOrigin({ options: CLOSED, lookup });
  const error = await failure(ask(origin, `http://evil.test:${server.port}/`));
  expect(error.code).toBe('refused');
  expect(error.message).toContain(`${kind} address`);
  expect(error.message).not.toMatch(/\d/);
  expect(server.sockets).toEqual([]);
});

test.each(['localhost', 'LOCALHOST', 'localhost.', 'local%68ost'])(
  '%s is refused by the resolver of the system',
  async (host) => {
    const server = await tcpServer((socket) => socket.end());
    const origin = await openOrigin({ options: CLOSED });
    // `localhost.` need not resolve everywhere.
    expect((await failure(ask(origin, `http://${host}:${server.port}/`))).code).toMatch(/^(refused|unavailable)$/);
    expect(server.sockets).toEqual([]);
  },
);

test('of several addresses only the reachable ones are dialled', async () => {
  const server = await httpServer((_request, response) => response.end('image'));
  const { lookup } = resolver({ 'mixed.test': ['10.0.0.1', '::ffff:127.0.0.1', '127.0.0.1'] });
  const origin = await openOrigin({ lookup });
  const response = await ask(origin, `http://mixed.test:${server.port}/`);
  expect(Buffer.from(await response.body.bytes()).toString()).toBe('image');
});

test('a name that changes its address is judged by the address that is dialled', async () => {
  const server = await httpServer((_request, response) => {
    response.setHeader('connection', 'close');
    response.end('image');
  });
  const { lookup, asked } = resolver({ 'rebind.test': [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1']] });
  const origin = await openOrigin({ lookup });
  const url = `http://rebind.test:${server.port}/`;
  await (await ask(origin, url)).body.bytes();
  expect(asked).toHaveLength(1);
  expect((await failure(ask(origin, url))).code).toBe('refused');
  expect(asked).toHaveLength(2);
});

test('a name is looked up once for each connection, so the checked address is the dialled one', async () => {
  const server = await httpServer((_request, response) => response.end('image'));
  const { lookup, asked } = resolver({ 'rebind.test': [['127.0.0.1'], ['10.0.0.1']] });
  const origin = await openOrigin({ lookup });
  const url = `http://rebind.test:${server.port}/`;
  for (let turn = 0; turn < 3; turn++) {
    await (await ask(origin, url)).body.bytes();
    // The client takes a connection back in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(asked).toHaveLength(1);
  expect(server.sockets).toHaveLength(1);
});

const TARGETS: readonly (readonly [location: string, kind: string])[] = [
  ['http://10.0.0.1/', 'private address'],
  ['http://169.254.169.254/latest/meta-data/', 'link-local address'],
  ['//[::ffff:127.0.0.1]/', 'tunnelled address'],
  ['https://0/', 'unspecified address'],
  ['http://inside.test/', 'private address'],
  ['file:///etc/passwd', 'scheme'],
  ['ftp://example.org/', 'scheme'],
  ['gopher://127.0.0.1:6379/_INFO', 'scheme'],
  ['data:image/png;base64,AAAA', 'scheme'],
  ['javascript:alert(1)', 'scheme'],
  ['local:///etc/passwd', 'scheme'],
];

for (const status of [301, 302, 303, 307, 308]) {
  test.each(TARGETS)(`a ${status} to %s is refused for its %s`, async (location, reason) => {
    const server = await httpServer((_request, response) => response.writeHead(status, { location }).end());
    const { lookup } = resolver({ 'inside.test': ['192.168.7.7'] });
    const origin = await openOrigin({ lookup });
    const error = await failure(ask(origin, `${server.url}/`));
    expect(error.code).toBe('refused');
    expect(error.message).toContain(reason);
  });
}

test('a redirect back to a name that has changed its address since is refused', async () => {
  const server = await httpServer((request, response) => {
    response.setHeader('connection', 'close');
    if (request.url === '/1') response.writeHead(302, { location: '/2' }).end();
    else response.end('image');
  });
  const { lookup } = resolver({ 'rebind.test': [['127.0.0.1'], ['192.168.0.1']] });
  const origin = await openOrigin({ lookup });
  expect((await failure(ask(origin, `http://rebind.test:${server.port}/1`))).code).toBe('refused');
  expect(server.sockets).toHaveLength(1);
});

const OPENED: readonly (readonly [option: keyof HttpOptions, open: string, closed: readonly string[]])[] = [
  ['allowLoopbackSourceAddresses', '127.0.0.1', ['10.0.0.1', '169.254.0.1', '0.0.0.0', '[::ffff:127.0.0.1]']],
  ['allowPrivateSourceAddresses', '10.0.0.1', ['127.0.0.1', '169.254.0.1', '100.64.0.1', '[fec0::1]']],
  ['allowLinkLocalSourceAddresses', '169.254.0.1', ['127.0.0.1', '10.0.0.1', '224.0.0.1', '198.18.0.1']],
];

test.each(OPENED)('%s lets sockets dial %s, but not %j', async (option, open, closed) => {
  const rules = { ...DEFAULTS, [option]: true };
  // Asked at the socket's own lookup, because nothing may be sent into the network that tests run in.
  const dialled = await new Promise((resolve) => {
    const { lookup } = resolver({ 'inside.test': [...closed.map((host) => host.replace(/[[\]]/g, '')), open] });
    checkedLookup({ lookup, rules })('inside.test', { all: true }, (_error, addresses) => resolve(addresses));
  });
  expect(dialled).toEqual([{ address: open, family: 4 }]);
  const origin = await openOrigin({ options: rules });
  for (const host of closed) expect((await failure(ask(origin, `http://${host}:1/`))).code).toBe('refused');
});

test('a proxy that the environment names is not used', async () => {
  const proxy = await tcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nproxy'));
  const server = await httpServer((_request, response) => response.end('image'));
  const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url;
  try {
    const response = await ask(await openOrigin(), `${server.url}/`);
    expect(Buffer.from(await response.body.bytes()).toString()).toBe('image');
    expect(proxy.sockets).toEqual([]);
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
