import {
  type BucketListOptions,
  bucketListOptions,
  checkOptions,
  connectionOptions,
  endpointUrl,
  type OptionsOf,
  shownAddress,
} from '@tintype/core';

/** How to reach Google Cloud Storage: the same under `TINTYPE_CACHE_GCS_` and `TINTYPE_GCS_`. */
const ownOptions = {
  KEY: {
    kind: 'string',
    secret: true,
    imgproxy: true,
    description:
      'JSON of a service account key (the text itself, not the name of a file). Without it the application default credentials count: GOOGLE_APPLICATION_CREDENTIALS, gcloud, the service account of the machine.',
  },
  ENDPOINT: {
    kind: 'string',
    imgproxy: true,
    description:
      'URL of another service than https://storage.googleapis.com, http:// if no scheme is given. Outside of googleapis.com only KEY is used to log in.',
  },
} as const;

const gcsOptions: typeof ownOptions & typeof connectionOptions = { ...ownOptions, ...connectionOptions };

/** Settings of the GCS storage. */
export const gcsStorageOptions: typeof gcsOptions = gcsOptions;

/** Settings of the origin for `gs://` sources. */
export const gcsOriginOptions: typeof gcsOptions & BucketListOptions = {
  ...gcsOptions,
  ...bucketListOptions('Buckets'),
};

export type GcsOptions = OptionsOf<typeof gcsOptions>;
export type GcsStorageOptions = OptionsOf<typeof gcsStorageOptions>;
export type GcsOriginOptions = OptionsOf<typeof gcsOriginOptions>;

/** What counts of a service account's key. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id?: string;
  readonly universe_domain?: string;
}

/**
 * What only a look into the options shows.
 *
 * @param prefix of their variables, for messages: `TINTYPE_CACHE_GCS_`.
 * @throws SettingsError
 */
export function checkGcsOptions({ key, endpoint }: GcsOptions, prefix: string): void {
  checkOptions(prefix, (complain) => {
    if (key !== undefined && serviceAccountKey(key) === undefined) {
      const file = /^\s*\{/.test(key) ? '' : '; for a file set GOOGLE_APPLICATION_CREDENTIALS to its name instead';
      const must = 'must be the JSON of a service account key, with "type": "service_account", client_email and';
      complain('KEY', `${must} private_key${file}.`);
    }
    if (endpoint !== undefined && endpointUrl(endpoint) === undefined) {
      complain('ENDPOINT', `is ${shownAddress(endpoint)}; expected a URL such as https://storage.googleapis.com.`);
    }
  });
}

/** The key as an object; `undefined` if it is none of a service account. Other kinds could name programs to run. */
export function serviceAccountKey(text: string): ServiceAccountKey | undefined {
  let key: Partial<Record<keyof ServiceAccountKey, unknown>> | null;
  try {
    key = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const isOptional = (value: unknown) => value === undefined || isText(value);
  const whole =
    key?.type === 'service_account' &&
    isText(key.client_email) &&
    isText(key.private_key) &&
    isOptional(key.private_key_id) &&
    isOptional(key.universe_domain);
  return whole ? (key as ServiceAccountKey) : undefined;
}
