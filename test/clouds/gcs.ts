import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import type { Fault } from '@tintype/conformance';
import { type Cloud, WRONG_PASSWORD } from './cloud.ts';
import { refusingLogins, unknownAccount } from './google-logins.ts';

/** Buckets of Google Cloud Storage. */
export const gcs: Cloud = {
  servers: ['fake-gcs-server'],

  // https://cloud.google.com/storage/docs/xml-api/reference-status
  expired: refusal(401, 'AuthenticationRequired', 'Authentication required.'),
  forbidden: refusal(403, 'AccessDenied', 'Access denied.'),

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
    let logins: readonly string[] = [];
    const key = unknownAccount(WRONG_PASSWORD);
    return {
      sourceUrl: `gs://${sources.name}/${name}`,
      env: {
        TINTYPE_USE_GCS: 'true',
        TINTYPE_CACHE_USE: 'gcs',
        TINTYPE_CACHE_BUCKET: cache.name,
        TINTYPE_GCS_ENDPOINT: endpoint,
        TINTYPE_CACHE_GCS_ENDPOINT: endpoint,
        TINTYPE_GCS_REQUEST_TIMEOUT: '60',
        TINTYPE_CACHE_GCS_REQUEST_TIMEOUT: '60',
      },
      async cached() {
        const [files] = await cache.getFiles();
        return files.map((file) => file.name);
      },
      // The emulator looks at no credentials: the login itself is refused.
      async wrongPassword() {
        const { env, asked } = await refusingLogins();
        logins = asked;
        return { ...env, TINTYPE_CACHE_GCS_KEY: key };
      },
      // The lines of the private key between those that every key has.
      refusal: () => ({
        asked: logins,
        says: 'check the service account',
        secrets: (JSON.parse(key) as { private_key: string }).private_key
          .split('\n')
          .filter((line) => /^[\w+/=]{20,}$/.test(line)),
      }),
      through: async ({ url }) => ({ TINTYPE_CACHE_GCS_ENDPOINT: url }),
    };
  },
};

function refusal(status: number, code: string, message: string): Fault {
  const body = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { kind: 'status', status, headers: { 'content-type': 'application/xml; charset=UTF-8' }, body };
}
