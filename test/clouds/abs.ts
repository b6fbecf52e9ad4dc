import { randomUUID } from 'node:crypto';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { Fault } from '@tintype/conformance';
import { absAccess } from '@tintype-test/servers';
import { type Cloud, WRONG_PASSWORD } from './cloud.ts';

/** Containers of Azure Blob Storage. */
export const abs: Cloud = {
  servers: ['azurite', 'azurite-disk'],

  // https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
  expired: refusal(403, 'AuthenticationFailed', 'Signature not valid in the specified time frame.'),
  forbidden: refusal(403, 'AuthorizationPermissionMismatch', 'This request is not authorized.'),

  async make(server, photograph) {
    const { endpoint, name, key } = absAccess(server);
    const credential = new StorageSharedKeyCredential(name, key);
    const service = new BlobServiceClient(endpoint, credential);
    const id = randomUUID();
    const [sources, cache] = [service.getContainerClient(`sources-${id}`), service.getContainerClient(`cache-${id}`)];
    for (const container of [sources, cache]) await container.create();
    const path = '2026/rocket.jpg';
    await sources.getBlockBlobClient(path).upload(photograph, photograph.length, {
      blobHTTPHeaders: { blobContentType: 'image/jpeg', blobCacheControl: 'max-age=600' },
    });
    const access = (prefix: string) => ({
      [`${prefix}ENDPOINT`]: endpoint,
      [`${prefix}NAME`]: name,
      [`${prefix}KEY`]: key,
      [`${prefix}REQUEST_TIMEOUT`]: '60',
    });
    return {
      sourceUrl: `abs://${sources.containerName}/${path}`,
      env: {
        TINTYPE_USE_ABS: 'true',
        TINTYPE_CACHE_USE: 'abs',
        TINTYPE_CACHE_BUCKET: cache.containerName,
        ...access('TINTYPE_ABS_'),
        ...access('TINTYPE_CACHE_ABS_'),
      },
      async cached() {
        const blobs = await Array.fromAsync(cache.listBlobsFlat());
        return blobs.map((blob) => blob.name);
      },
      wrongPassword: async () => ({ TINTYPE_CACHE_ABS_KEY: WRONG_PASSWORD }),
      // A signature that lets nobody read.
      stranger: {
        TINTYPE_CACHE_ABS_KEY: '',
        TINTYPE_CACHE_ABS_SAS_TOKEN: generateBlobSASQueryParameters(
          {
            containerName: cache.containerName,
            permissions: ContainerSASPermissions.parse('l'),
            expiresOn: new Date(Date.now() + 3_600_000),
          },
          credential,
        ).toString(),
      },
      through: async ({ url }) => ({ TINTYPE_CACHE_ABS_ENDPOINT: url + new URL(endpoint).pathname }),
    };
  },
};

function refusal(status: number, code: string, detail: string): Fault {
  const body = `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Refused.</Message><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`;
  return { kind: 'status', status, headers: { 'content-type': 'application/xml', 'x-ms-error-code': code }, body };
}
