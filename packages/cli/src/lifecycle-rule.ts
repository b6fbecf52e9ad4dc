/** Which entries a rule is about. */
export interface Expiring {
  readonly bucket: string;
  /** `TINTYPE_CACHE_PATH_PREFIX` without slashes around it; blank is the whole bucket. */
  readonly prefix: string;
  /** Age at which an entry goes, counted from when it was put or its metadata were changed. */
  readonly days: number;
}

/** A rule in the form that the vendor's tool takes, and the command that applies it. */
export interface LifecycleRule {
  readonly rule: object;
  /** `file` holds the rule. What is written in capitals only the operator knows. */
  command(file: string): string;
}

/** By the storage's id. */
export const lifecycleRules: ReadonlyMap<string, (expiring: Expiring) => LifecycleRule> = new Map([
  ['s3', s3],
  ['gcs', gcs],
  ['abs', abs],
]);

/** https://docs.aws.amazon.com/cli/latest/reference/s3api/put-bucket-lifecycle-configuration.html */
function s3({ bucket, prefix, days }: Expiring): LifecycleRule {
  return {
    rule: {
      Rules: [
        {
          ID: 'tintype-cache',
          Status: 'Enabled',
          Filter: { Prefix: below(prefix) },
          Expiration: { Days: days },
          // Left by processes that were killed.
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
      ],
    },
    command: (file) =>
      `aws s3api put-bucket-lifecycle-configuration --bucket ${bucket} --lifecycle-configuration file://${file}`,
  };
}

/**
 * By the time that the storage sets with each write and each revalidation: `age` counts from the creation,
 * which a revalidation leaves. https://cloud.google.com/storage/docs/lifecycle#dayssincecustomtime
 */
function gcs({ bucket, prefix, days }: Expiring): LifecycleRule {
  const condition = { daysSinceCustomTime: days, ...(prefix !== '' && { matchesPrefix: [below(prefix)] }) };
  return {
    rule: { lifecycle: { rule: [{ action: { type: 'Delete' }, condition }] } },
    command: (file) => `gcloud storage buckets update gs://${bucket} --lifecycle-file=${file}`,
  };
}

/** https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure */
function abs({ bucket, prefix, days }: Expiring): LifecycleRule {
  return {
    rule: {
      rules: [
        {
          enabled: true,
          name: 'tintype-cache',
          type: 'Lifecycle',
          definition: {
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } },
            filters: { blobTypes: ['blockBlob'], prefixMatch: [`${bucket}/${below(prefix)}`] },
          },
        },
      ],
    },
    command: (file) =>
      `az storage account management-policy create --account-name ACCOUNT --resource-group GROUP --policy @${file}`,
  };
}

function below(prefix: string): string {
  return prefix === '' ? '' : `${prefix}/`;
}
