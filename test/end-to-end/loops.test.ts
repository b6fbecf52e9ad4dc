import { expect, test } from 'vitest';
import { plain, startProxy, startWebOrigin } from './rig.ts';

const ALLOWED = { allowLoopbackSourceAddresses: true };

test('a web origin is told which proxies a request came through', async () => {
  const web = await startWebOrigin((_request, response) => response.writeHead(404).end());
  const rig = await startProxy({ ...ALLOWED, pseudonym: 'images.example' });
  await rig.get(`/unsafe/${plain(`${web.base}/a.jpg`)}`, { headers: { via: '2 edge', 'cdn-loop': 'edge; v=1' } });
  expect(web.requests[0]?.headers).toMatchObject({
    via: '2 edge, 1.1 images.example',
    'cdn-loop': 'edge; v=1, images.example',
  });
});

test('a source that leads back to the proxy is 508, at once and for both', async () => {
  const web = await startWebOrigin();
  const rig = await startProxy(ALLOWED);
  const path = `/unsafe/rs:fit:40/${plain(`${web.base}/a.jpg`)}`;
  web.answer((_request, response) => response.writeHead(302, { location: rig.base + path }).end());
  const response = await rig.get(path);
  expect(response.status).toBe(508);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.text()).toContain('leads back');
  expect(web.requests).toHaveLength(1);
});

test('two proxies that lead to each other answer 508 after one round', async () => {
  const web = await startWebOrigin();
  const [one, two] = [await startProxy(ALLOWED), await startProxy(ALLOWED)];
  const first = `/unsafe/${plain(`${web.base}/first`)}`;
  const second = `/unsafe/${plain(`${web.base}/second`)}`;
  web.answer((request, response) => {
    const location = request.url === '/first' ? two.base + second : one.base + first;
    response.writeHead(302, { location }).end();
  });
  expect((await one.get(first)).status).toBe(508);
  expect(web.requests.map(({ url }) => url)).toEqual(['/first', '/second']);
});

test('two proxies in a row are no loop', async () => {
  const [near, far] = [await startProxy(ALLOWED), await startProxy({})];
  const response = await near.get(
    `/unsafe/rs:fit:20/${plain(`${far.base}/unsafe/rs:fit:40/plain/local:///rocket.jpg`)}`,
  );
  expect(response.status).toBe(200);
});
