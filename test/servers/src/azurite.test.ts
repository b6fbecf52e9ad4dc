import {
  AnonymousCredential,
  BlobServiceClient,
  type BlockBlobClient,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, describe, expect, test } from 'vitest';
import { absAccess, serverForTest } from './index.ts';

// What docs/backends.md says of it. If one of these fails, Azurite does by now what Azure does: the page changes, and
// perhaps a test that answers in its place goes.
describe.each(['azurite', 'azurite-disk'])('%s does other than Azure', async (kind) => {
  const { server, missing } = await serverForTest(kind);
  if (server === undefined) {
    test('where it is there', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => server.stop());
  const { endpoint, name, key } = absAccess(server);
  const credential = new StorageSharedKeyCredential(name, key);
  const container = new BlobServiceClient(endpoint, credential).getContainerClient('photos');
  await container.create();

  async function blob(of: string): Promise<BlockBlobClient> {
    const client = container.getBlockBlobClient(of);
    await client.upload(Buffer.alloc(100), 100);
    return client;
  }

  test('a range that begins where the body ends is a part without bytes', async () => {
    const { contentRange, contentLength } = await (await blob('range')).download(100);
    expect([contentRange, contentLength]).toEqual(['bytes 100-99/100', 0]);
  });

  test('more than 8 KiB of metadata are taken, and a space at the end of a value is cut off', async () => {
    const client = await blob('metadata');
    await client.setMetadata({ long: 'x'.repeat(9_000), spaced: 'x ' });
    expect((await client.getProperties()).metadata).toEqual({ long: 'x'.repeat(9_000), spaced: 'x' });
  });

  test('a signature that has expired is refused without a reason', async () => {
    const expired = { containerName: 'photos', expiresOn: new Date(Date.now() - 60_000) };
    const permissions = ContainerSASPermissions.parse('r');
    const signature = generateBlobSASQueryParameters({ ...expired, permissions }, credential);
    const visitor = new ContainerClient(`${endpoint}/photos?${signature}`, new AnonymousCredential());
    await expect(visitor.getBlobClient('any').download()).rejects.toMatchObject({
      code: 'AuthorizationFailure',
      message: expect.not.stringMatching(/expir|time frame/i),
    });
  });

  test('blocks outlive a put of their blob, but not a commit', async () => {
    const [first, second] = ['first-', 'second'].map((id) => Buffer.from(id).toString('base64'));
    if (first === undefined || second === undefined) throw new Error('There are two.');
    const client = container.getBlockBlobClient('blocks');
    await client.stageBlock(first, 'x', 1);
    await client.upload('put', 3);
    await client.stageBlock(second, 'x', 1);
    await client.commitBlockList([first]);
    await expect(client.commitBlockList([second])).rejects.toMatchObject({ code: 'InvalidBlockList' });
  });

  test('every version id is the newest', async () => {
    const { contentLength } = await (await blob('version')).withVersion('any').download();
    expect(contentLength).toBe(100);
  });
});
