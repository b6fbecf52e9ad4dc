import type { RunningServer } from './server.ts';

/** How to sign for a server that speaks S3's protocol. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function s3Access({ endpoint, access }: RunningServer): S3Access {
  const { REGION: region = 'us-east-1', ACCESS_KEY_ID: accessKeyId = '', SECRET_ACCESS_KEY = '' } = access;
  return { endpoint, region, accessKeyId, secretAccessKey: SECRET_ACCESS_KEY };
}
