import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { S3StorageOptions } from './options.ts';

/** The bucket, and what every write into it says besides the entry. */
export interface S3Target {
  readonly bucket: string;
  /** Copies do not inherit them: they are sent with every write. */
  readonly fields: Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'StorageClass'>;
}

export function targetOf(bucket: string, { sse, storageClass }: S3StorageOptions): S3Target {
  return {
    bucket,
    fields: {
      // The names of encryptions and classes are S3's to check: new ones come, and vendors have their own.
      ...(sse !== undefined && {
        ServerSideEncryption: sse as NonNullable<PutObjectCommandInput['ServerSideEncryption']>,
      }),
      ...(storageClass !== undefined && {
        StorageClass: storageClass as NonNullable<PutObjectCommandInput['StorageClass']>,
      }),
    },
  };
}
