import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import type { Cloud } from './cloud.ts';

/** Buckets of Google Cloud Storage. */
export const gcs: Cloud = {
  servers: ['fake-gcs-server'],

  async make({ endpoint }, photograph) {
    const client = new Storage({ apiEndpoint: endpoint, projectId: 'a-project-of-tests' });
    const id = randomUUID();
    const [sources] = await client.createBucket(`sources-${id}`);
    const [cache] = await client.createBucket(`cache-${id}`);
    const name = '2026/rocket.jpg';
    await sources.file(name).save(Buffer.from(photograph), {
      resumable: false,
      metadata: { contentType: 'image/jpeg', cacheControl: 'max-age=600' },
    });
    return {
      sourceUrl: `gs://${sources.name}/${name}`,
      env: {
        TINTYPE_USE_GCS: 'true',
        TINTYPE_CACHE_USE: 'gcs',
        TINTYPE_CACHE_BUCKET: cache.name,
        TINTYPE_GCS_ENDPOINT: endpoint,
        TINTYPE_CACHE_GCS_ENDPOINT: endpoint,
      },
      async cached() {
        const [files] = await cache.getFiles();
        return files.map((file) => file.name);
      },
    };
  },
};
