import {
  type BucketListOptions,
  bucketListOptions,
  checkOptions,
  connectionOptions,
  endpointUrl,
  type OptionsOf,
} from '@tintype/core';

/** How to reach Azure Blob Storage: the same under `TINTYPE_CACHE_ABS_` and `TINTYPE_ABS_`. */
const ownOptions = {
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
} as const;

const absOptions: typeof ownOptions & typeof connectionOptions = { ...ownOptions, ...connectionOptions };

/** Settings of the Azure Blob storage. */
export const absStorageOptions: typeof absOptions = absOptions;

/** Settings of the origin for `abs://` sources. */
export const absOriginOptions: typeof absOptions & BucketListOptions = {
  ...absOptions,
  ...bucketListOptions('Containers'),
};

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
  const { name, key, endpoint, sasToken, connectionString } = options;
  checkOptions(prefix, (complain) => {
    if (connectionString !== undefined) {
      if (!/(^|;)\s*(AccountName|BlobEndpoint|UseDevelopmentStorage)=/i.test(connectionString)) {
        complain('CONNECTION_STRING', 'is no connection string; expected one with AccountName=… or BlobEndpoint=….');
      }
      const others = { NAME: name, KEY: key, ENDPOINT: endpoint, SAS_TOKEN: sasToken };
      for (const [other, value] of Object.entries(others)) {
        if (value !== undefined) complain(other, `does not go with ${prefix}CONNECTION_STRING, which says everything.`);
      }
      return;
    }
    if (name === undefined && (key !== undefined || endpoint === undefined)) {
      complain('NAME', key === undefined ? 'is required.' : `is required when ${prefix}KEY is set.`);
    }
    if (key !== undefined && sasToken !== undefined) complain('SAS_TOKEN', `does not go with ${prefix}KEY; set one.`);
    if (name !== undefined && !/^[a-z0-9]{3,24}$/.test(name)) {
      complain('NAME', `is ${JSON.stringify(name)}; the name of an account has 3 to 24 of a-z and 0-9.`);
    }
    if (key !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
      complain('KEY', 'is no key of an account: these are written in base64.');
    }
    if (sasToken !== undefined && !/(^|[?&])sig=./.test(sasToken)) {
      complain('SAS_TOKEN', 'is no shared access signature; expected text such as sv=…&sig=….');
    }
    if (endpoint !== undefined) {
      const why = whyNotAnEndpoint(endpoint, key === undefined && sasToken === undefined);
      // Not shown: it may hold a signature.
      if (why !== undefined) complain('ENDPOINT', why);
    }
  });
}

/** The URL of the blob service, without a slash at its end. */
export function serviceUrl({ endpoint = '', name }: AbsOptions): string {
  return endpointUrl(endpoint, 'https') ?? `https://${name}.blob.core.windows.net`;
}

function whyNotAnEndpoint(endpoint: string, usesTokens: boolean): string | undefined {
  if (endpoint.includes('?')) return 'has a query; a shared access signature goes into SAS_TOKEN.';
  const url = endpointUrl(endpoint, 'https');
  if (url === undefined) return 'is no URL of a service; expected one such as https://photos.blob.core.windows.net.';
  return usesTokens && /^http:/i.test(url)
    ? 'must begin with https:// for the SDK to send its tokens there; or set KEY or SAS_TOKEN.'
    : undefined;
}
