import { type OptionsOf, SettingsError, shownAddress } from '@tintype/core';

/** How to reach S3 or what speaks its protocol: the same under `TINTYPE_CACHE_S3_` and `TINTYPE_S3_`. */
const s3Options = {
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
  MAX_SOCKETS: {
    kind: 'integer',
    default: '50',
    min: 1,
    description: 'Connections that are open at a time; further requests wait for one.',
  },
  REQUEST_TIMEOUT: {
    kind: 'seconds',
    default: '10',
    min: 0,
    description: 'Longest time in seconds for connecting, and for silence during a request. 0 = no limit.',
  },
} as const;

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

const originOnly = {
  ALLOWED_BUCKETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Buckets that sources may name. Blank allows all that the credentials can read.',
  },
  DENIED_BUCKETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Buckets that sources may not name, even if they are allowed as well.',
  },
} as const;

/** Settings of the S3 storage. */
export const s3StorageOptions: typeof s3Options & typeof storageOnly = { ...s3Options, ...storageOnly };

/** Settings of the origin for `s3://` sources. */
export const s3OriginOptions: typeof s3Options & typeof originOnly = { ...s3Options, ...originOnly };

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
  const problems: { variable: string; message: string }[] = [];
  const together = (name: string, needs: string) => {
    const variable = prefix + needs;
    problems.push({ variable, message: `${variable} is required when ${prefix}${name} is set.` });
  };
  const { accessKeyId, secretAccessKey, sessionToken } = options;
  if (accessKeyId !== undefined && secretAccessKey === undefined) together('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY');
  if (secretAccessKey !== undefined && accessKeyId === undefined) together('SECRET_ACCESS_KEY', 'ACCESS_KEY_ID');
  if (sessionToken !== undefined && accessKeyId === undefined) together('SESSION_TOKEN', 'ACCESS_KEY_ID');
  if (options.assumeRoleExternalId !== undefined && options.assumeRoleArn === undefined) {
    together('ASSUME_ROLE_EXTERNAL_ID', 'ASSUME_ROLE_ARN');
  }
  if (options.endpoint !== undefined && endpointUrl(options.endpoint) === undefined) {
    const variable = `${prefix}ENDPOINT`;
    const message = `${variable} is ${shownAddress(options.endpoint)}; expected a URL such as https://s3.example.com.`;
    problems.push({ variable, message });
  }
  if (problems.length > 0) throw new SettingsError(problems);
}

/** The endpoint with a scheme; `undefined` if it is no URL of a web service. */
export function endpointUrl(endpoint: string): string | undefined {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`;
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, search, hash } = new URL(text);
  const plain = username === '' && password === '' && search === '' && hash === '';
  return /^https?:$/.test(protocol) && plain ? text : undefined;
}
