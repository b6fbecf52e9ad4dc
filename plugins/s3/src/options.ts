import {
  type BucketListOptions,
  bucketListOptions,
  checkOptions,
  connectionOptions,
  endpointUrl,
  type OptionsOf,
  shownAddress,
} from '@tintype/core';

/** How to reach S3 or what speaks its protocol: the same under `TINTYPE_CACHE_S3_` and `TINTYPE_S3_`. */
const ownOptions = {
  REGION: {
    kind: 'string',
    imgproxy: true,
    description:
      "Region of the bucket. Without it the SDK's own settings count (AWS_REGION, shared config file), then us-east-1; a redirect to another region is followed and remembered.",
  },
  ENDPOINT: {
    kind: 'string',
    imgproxy: true,
    description: 'URL of an S3-compatible service, http:// if no scheme is given. Without it AWS.',
  },
  ENDPOINT_USE_PATH_STYLE: {
    kind: 'boolean',
    default: 'true',
    imgproxy: true,
    description: 'Put the bucket into the path instead of the host name. Only counts with an ENDPOINT of its own.',
  },
  ACCESS_KEY_ID: {
    kind: 'string',
    description:
      "Key to sign requests with. Without it the SDK's default chain is asked: environment, shared files, web identity, container, instance.",
  },
  SECRET_ACCESS_KEY: { kind: 'string', secret: true, description: 'The secret of that key.' },
  SESSION_TOKEN: { kind: 'string', secret: true, description: 'Goes with a temporary key.' },
  ASSUME_ROLE_ARN: { kind: 'string', imgproxy: true, description: 'Role to assume with these credentials.' },
  ASSUME_ROLE_EXTERNAL_ID: {
    kind: 'string',
    imgproxy: true,
    description: 'External id that the role asks for.',
  },
} as const;

const s3Options: typeof ownOptions & typeof connectionOptions = { ...ownOptions, ...connectionOptions };

const storageOnly = {
  CONDITIONAL_WRITES: {
    kind: 'enum',
    choices: ['auto', 'on', 'off'],
    default: 'auto',
    description:
      'Whether the service honours conditions on writes: auto tries it when the storage is opened, on refuses to open if they do not work, off never sends one.',
  },
  CONSISTENCY: {
    kind: 'enum',
    choices: ['strong', 'eventual'],
    default: 'strong',
    description:
      'What the service promises to readers after a write: strong as AWS does, or eventual (the S3 API of OpenStack Swift).',
  },
  SSE: {
    kind: 'enum',
    choices: ['AES256', 'aws:kms', 'aws:kms:dsse'],
    description:
      "Server-side encryption that is asked for with every write. Without it the bucket's own setting counts.",
  },
  STORAGE_CLASS: {
    kind: 'string',
    description:
      'Storage class of what is written: STANDARD_IA, INTELLIGENT_TIERING, … Archive classes cannot be read.',
  },
} as const;

/** Settings of the S3 storage. */
export const s3StorageOptions: typeof s3Options & typeof storageOnly = { ...s3Options, ...storageOnly };

/** Settings of the origin for `s3://` sources. */
export const s3OriginOptions: typeof s3Options & BucketListOptions = { ...s3Options, ...bucketListOptions('Buckets') };

export type S3Options = OptionsOf<typeof s3Options>;
export type S3StorageOptions = OptionsOf<typeof s3StorageOptions>;
export type S3OriginOptions = OptionsOf<typeof s3OriginOptions>;

/**
 * What only the options together show.
 *
 * @param prefix of their variables, for messages: `TINTYPE_CACHE_S3_`.
 * @throws SettingsError
 */
export function checkS3Options(options: S3Options, prefix: string): void {
  const { accessKeyId, secretAccessKey, sessionToken, assumeRoleArn, assumeRoleExternalId, endpoint } = options;
  checkOptions(prefix, (complain) => {
    const together = (name: string, needs: string) => complain(needs, `is required when ${prefix}${name} is set.`);
    if (accessKeyId !== undefined && secretAccessKey === undefined) together('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY');
    if (secretAccessKey !== undefined && accessKeyId === undefined) together('SECRET_ACCESS_KEY', 'ACCESS_KEY_ID');
    if (sessionToken !== undefined && accessKeyId === undefined) together('SESSION_TOKEN', 'ACCESS_KEY_ID');
    if (assumeRoleExternalId !== undefined && assumeRoleArn === undefined) {
      together('ASSUME_ROLE_EXTERNAL_ID', 'ASSUME_ROLE_ARN');
    }
    if (endpoint !== undefined && endpointUrl(endpoint) === undefined) {
      complain('ENDPOINT', `is ${shownAddress(endpoint)}; expected a URL such as https://s3.example.com.`);
    }
  });
}
