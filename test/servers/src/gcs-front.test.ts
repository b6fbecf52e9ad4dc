import { afterAll, describe, expect, test } from 'vitest';
import { serverForTest } from './index.ts';

// What is measured of fake-gcs-server, and why the front stands before it. A release that learns one
// of these makes its line fail: then the front can do without it.

const { server, missing } = await serverForTest('fake-gcs-server');

describe('without its front fake-gcs-server', () => {
  if (server === undefined) {
    test('is measured', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => server.stop());
  const { endpoint, access } = server;
  const { BARE_ENDPOINT: bare = '' } = access;
  const object = '/storage/v1/b/measured/o/k';

  const put = async (at: string) => {
    await fetch(`${at}/storage/v1/b`, { method: 'POST', body: '{"name":"measured"}' });
    const url = `${at}/upload/storage/v1/b/measured/o?uploadType=media&name=k`;
    return (await (await fetch(url, { method: 'POST', body: 'bytes' })).json()) as { generation: string };
  };
  const patch = (at: string, query: string, metadata: object = { t0: 'm' }) =>
    fetch(`${at}${object}?${query}`, { method: 'PATCH', body: JSON.stringify({ metadata }) });

  test('tells no metageneration with the bytes, and 1 for ever with the metadata; Google counts', async () => {
    for (const [at, header, counted] of [
      [bare, null, '1'],
      [endpoint, '2', '2'],
    ] as const) {
      await put(at);
      await patch(at, '');
      expect((await fetch(`${at}/measured/k`)).headers.get('x-goog-metageneration')).toBe(header);
      expect(await (await fetch(at + object)).json()).toMatchObject({ metageneration: counted });
    }
  });

  test('ignores the conditions of patches and deletions; Google answers 412', async () => {
    for (const [at, status] of [
      [bare, 200],
      [endpoint, 412],
    ] as const) {
      const { generation } = await put(at);
      expect((await patch(at, 'ifGenerationMatch=1')).status).toBe(status);
      expect((await patch(at, `ifGenerationMatch=${generation}&ifMetagenerationMatch=9`)).status).toBe(status);
      const query = `ifGenerationMatch=${generation}&ifMetagenerationMatch=9`;
      expect((await fetch(`${at}${object}?${query}`, { method: 'DELETE' })).status).toBe(status);
    }
  });

  test('ignores ifMetagenerationMatch of uploads; Google answers 412', async () => {
    for (const [at, status] of [
      [bare, 200],
      [endpoint, 412],
    ] as const) {
      const { generation } = await put(at);
      const query = `uploadType=media&name=k&ifGenerationMatch=${generation}&ifMetagenerationMatch=9`;
      const upload = `${at}/upload/storage/v1/b/measured/o?${query}`;
      expect((await fetch(upload, { method: 'POST', body: 'other' })).status).toBe(status);
    }
  });

  test('keeps metadata that is patched to null, as an empty value; Google removes it', async () => {
    for (const [at, value] of [
      [bare, ''],
      [endpoint, null],
    ] as const) {
      await put(at);
      await patch(at, '', { t0: 'm' });
      await patch(at, '', { t0: null });
      expect((await fetch(`${at}/measured/k`)).headers.get('x-goog-meta-t0')).toBe(value);
    }
  });

  test('answers 200 to If-None-Match with the ETag of the object, and 404 alike for no object and no bucket', async () => {
    await put(bare);
    const { headers } = await fetch(`${bare}/measured/k`);
    const again = await fetch(`${bare}/measured/k`, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect(again.status).toBe(200);
    const said = await Promise.all(
      ['measured/none', 'none/k'].map(async (path) => (await fetch(`${bare}/${path}`)).text()),
    );
    expect(said).toEqual(['Not Found\n', 'Not Found\n']);
  });
});
