import { type OptionsOf, SettingsError } from '@tintype/core';

/** How to reach Azure Blob Storage: the same under `TINTYPE_CACHE_ABS_` and `TINTYPE_ABS_`. */
const absOptions = {
  NAME: {
    kind: 'string',
    imgproxy: true,
    description: 'Name of the storage account.',
  },
  ENDPOINT: {
    kind: 'string',
    imgproxy: true,
    description:
      "URL of the account's blob service: another cloud, a domain of your own, Azurite. Without it https://NAME.blob.core.windows.net.",
  },
  KEY: {
    kind: 'string',
    secret: true,
    imgproxy: true,
    description:
      "Key of the account. Without it, a SAS_TOKEN and a CONNECTION_STRING, the SDK's default chain is asked: environment (AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_CLIENT_SECRET, …), workload identity, managed identity, command-line tools.",
  },
  SAS_TOKEN: {
    kind: 'string',
    secret: true,
    description: 'Shared access signature, as text of a query: sv=…&sig=….',
  },
  CONNECTION_STRING: {
    kind: 'string',
    secret: true,
    description: 'Account, endpoint and key or signature in one, as the portal shows them. Nothing else is needed.',
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
    description: 'Containers that sources may name. Blank allows all that the credentials can read.',
  },
  DENIED_BUCKETS: {
    kind: 'list',
    default: '',
    imgproxy: true,
    description: 'Containers that sources may not name, even if they are allowed as well.',
  },
} as const;

/** Settings of the Azure Blob storage. */
export const absStorageOptions: typeof absOptions = absOptions;

/** Settings of the origin for `abs://` sources. */
export const absOriginOptions: typeof absOptions & typeof originOnly = { ...absOptions, ...originOnly };

export type AbsOptions = OptionsOf<typeof absOptions>;
export type AbsStorageOptions = OptionsOf<typeof absStorageOptions>;
export type AbsOriginOptions = OptionsOf<typeof absOriginOptions>;

/**
 * What only the options together show.
 *
 * @param prefix of their variables, for messages: `TINTYPE_CACHE_ABS_`.
 * @throws SettingsError
 */
export function checkAbsOptions(options: AbsOptions, prefix: string): void {
  const problems: { variable: string; message: string }[] = [];
  const problem = (name: string, sentence: string) => {
    const variable = prefix + name;
    problems.push({ variable, message: `${variable} ${sentence}` });
  };
  const { name, key, endpoint, sasToken, connectionString } = options;
  if (connectionString !== undefined) {
    if (!/(^|;)\s*(AccountName|BlobEndpoint|UseDevelopmentStorage)=/i.test(connectionString)) {
      problem('CONNECTION_STRING', 'is no connection string; expected one with AccountName=… or BlobEndpoint=….');
    }
    const others = { NAME: name, KEY: key, ENDPOINT: endpoint, SAS_TOKEN: sasToken };
    for (const [other, value] of Object.entries(others)) {
      if (value !== undefined) problem(other, `does not go with ${prefix}CONNECTION_STRING, which says everything.`);
    }
  } else {
    if (name === undefined && (key !== undefined || endpoint === undefined)) {
      problem('NAME', key === undefined ? 'is required.' : `is required when ${prefix}KEY is set.`);
    }
    if (key !== undefined && sasToken !== undefined) problem('SAS_TOKEN', `does not go with ${prefix}KEY; set one.`);
    if (name !== undefined && !/^[a-z0-9]{3,24}$/.test(name)) {
      problem('NAME', `is ${JSON.stringify(name)}; the name of an account has 3 to 24 of a-z and 0-9.`);
    }
    if (key !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
      problem('KEY', 'is no key of an account: these are written in base64.');
    }
    if (sasToken !== undefined && !/(^|[?&])sig=./.test(sasToken)) {
      problem('SAS_TOKEN', 'is no shared access signature; expected text such as sv=…&sig=….');
    }
    if (endpoint !== undefined) {
      const why = whyNotAnEndpoint(endpoint, key === undefined && sasToken === undefined);
      // Not shown: it may hold a signature.
      if (why !== undefined) problem('ENDPOINT', why);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
}

/** The URL of the blob service, without a slash at its end. */
export function serviceUrl({ endpoint, name }: AbsOptions): string {
  return endpoint === undefined ? `https://${name}.blob.core.windows.net` : withScheme(endpoint).replace(/\/+$/, '');
}

function whyNotAnEndpoint(endpoint: string, usesTokens: boolean): string | undefined {
  const expected = 'expected a URL such as https://photos.blob.core.windows.net.';
  const text = withScheme(endpoint);
  if (!URL.canParse(text)) return `is no URL; ${expected}`;
  const { protocol, username, password, search } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return `is no URL of a service; ${expected}`;
  if (search !== '') return 'has a query; a shared access signature goes into SAS_TOKEN.';
  return usesTokens && protocol === 'http:'
    ? 'must begin with https:// for the SDK to send its tokens there; or set KEY or SAS_TOKEN.'
    : undefined;
}

function withScheme(endpoint: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`;
}
