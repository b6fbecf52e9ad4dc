import { buffer } from 'node:stream/consumers';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { AbsStorage } from '@tintype/abs';
import { absAccess } from '@tintype-test/servers';
import type { Figure } from '../figure.ts';
import { BUCKET, cloudCalls, ENCODED } from './cloud-calls.ts';

export const absCalls: Figure = cloudCalls({
  cloud: 'Azure Blob',
  id: 'abs',
  server: 'azurite',

  adapter: (server) =>
    new AbsStorage(
      {
        ...absAccess(server),
        sasToken: undefined,
        connectionString: undefined,
        maxSockets: 50,
        requestTimeout: 10,
      },
      { bucket: BUCKET, bucketVariable: 'TINTYPE_CACHE_BUCKET', variablePrefix: 'TINTYPE_CACHE_ABS_' },
    ),

  async bare(server) {
    const { endpoint, name, key } = absAccess(server);
    const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(name, key), {
      retryOptions: { maxTries: 1 },
    });
    const container = service.getContainerClient(BUCKET);
    await container.create();
    return {
      put: (blob, bytes) =>
        container.getBlockBlobClient(blob).upload(bytes, bytes.length, {
          blobHTTPHeaders: { blobContentType: 'image/jpeg' },
          metadata: { t0: ENCODED },
        }),
      async get(blob) {
        const { readableStreamBody } = await container.getBlobClient(blob).download();
        if (readableStreamBody === undefined) throw new Error(`${blob} has no body`);
        return buffer(readableStreamBody);
      },
    };
  },
});
