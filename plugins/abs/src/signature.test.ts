import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { body, failureOf, key, metadata } from '@tintype-test/servers/storage-errors';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { benchFor, context } from '../test/harness.ts';
import type { AbsStorage } from './storage.ts';

const { bench, missing } = await benchFor('azurite');

describe('a shared access signature', () => {
  if (bench === undefined) {
    test('opens a cache', ({ skip }) => skip(missing));
    return;
  }
  afterAll(() => bench.stop());

  /** A storage that signs with these permissions on the container. */
  const signedWith = (permissions: string): AbsStorage => {
    const { name, key: accountKey, endpoint } = bench.access;
    const credential = new StorageSharedKeyCredential(name, accountKey);
    const grant = {
      containerName: bench.bucket,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    };
    const sasToken = generateBlobSASQueryParameters(grant, credential).toString();
    const storage = bench.storage({ name: undefined, key: undefined, endpoint, sasToken });
    onTestFinished(() => storage.close());
    return storage;
  };

  test('that may not list opens a cache, and only listing is refused, in a sentence', async () => {
    const storage = signedWith('rcwd');
    await storage.open(context);
    await storage.put(key, body, metadata, undefined, context);
    const entry = await storage.get(key, undefined, context);
    expect(entry?.kind === 'entry' && (await entry.body.bytes()).length).toBe(10);
    expect(await storage.check(context)).toMatchObject({ ok: true });
    const refused = await failureOf(Array.fromAsync(storage.list('', undefined, context)));
    expect(refused).toMatchObject({ code: 'access-denied', message: expect.stringContaining('the permission l,') });
    await storage.delete(key, undefined, context);
    expect(await storage.get(key, undefined, context)).toBeUndefined();
  });

  test('that may not read refuses to open, and says which permissions it needs', async () => {
    const storage = signedWith('l');
    const sentence = expect.stringContaining('the signature the permissions rcwdl');
    await expect(storage.open(context)).rejects.toMatchObject({ code: 'access-denied', message: sentence });
    expect(await storage.check(context)).toMatchObject({ ok: false, problem: sentence });
  });
});
