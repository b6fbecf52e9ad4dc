import { type OptionsOf, SettingsError, shownAddress } from '@tintype/core';

/** How to reach Google Cloud Storage: the same under `TINTYPE_CACHE_GCS_` and `TINTYPE_GCS_`. */
const gcsOptions = {
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

/** Settings of the GCS storage. */
export const gcsStorageOptions: typeof gcsOptions = gcsOptions;

/** Settings of the origin for `gs://` sources. */
export const gcsOriginOptions: typeof gcsOptions & typeof originOnly = { ...gcsOptions, ...originOnly };

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
export function checkGcsOptions(options: GcsOptions, prefix: string): void {
  const problems: { variable: string; message: string }[] = [];
  const { key, endpoint } = options;
  if (key !== undefined && serviceAccountKey(key) === undefined) {
    const variable = `${prefix}KEY`;
    const file = /^\s*\{/.test(key) ? '' : '; for a file set GOOGLE_APPLICATION_CREDENTIALS to its name instead';
    const message = `${variable} must be the JSON of a service account key, with "type": "service_account", client_email and private_key${file}.`;
    problems.push({ variable, message });
  }
  if (endpoint !== undefined && endpointUrl(endpoint) === undefined) {
    const variable = `${prefix}ENDPOINT`;
    const message = `${variable} is ${shownAddress(endpoint)}; expected a URL such as https://storage.googleapis.com.`;
    problems.push({ variable, message });
  }
  if (problems.length > 0) throw new SettingsError(problems);
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

/** The endpoint with a scheme and without a slash at its end; `undefined` if it is no URL of a web service. */
export function endpointUrl(endpoint: string): string | undefined {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`;
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, search, hash } = new URL(text);
  const plain = username === '' && password === '' && search === '' && hash === '';
  return /^https?:$/.test(protocol) && plain ? text.replace(/\/+$/, '') : undefined;
}
