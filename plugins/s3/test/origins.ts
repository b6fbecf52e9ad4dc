import { onTestFinished } from 'vitest';
import type { S3OriginOptions } from '../src/options.ts';
import { S3Origin } from '../src/origin.ts';

const scope = { downloadTimeout: 60, isAllowed: () => true };

const options: S3OriginOptions = {
  region: 'us-east-1',
  endpoint: undefined,
  endpointUsePathStyle: true,
  accessKeyId: 'any',
  secretAccessKey: 'any',
  sessionToken: undefined,
  assumeRoleArn: undefined,
  assumeRoleExternalId: undefined,
  maxSockets: 50,
  requestTimeout: 60,
  allowedBuckets: [],
  deniedBuckets: [],
};

/** An origin that is closed when the test ends. */
export async function open(more: Partial<S3OriginOptions>): Promise<S3Origin> {
  const origin = new S3Origin({ ...options, ...more }, scope);
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}
