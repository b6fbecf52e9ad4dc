import { describe, expect, test, vi } from 'vitest';
import { tintype } from './tintype.fixture.ts';

vi.setConfig({ testTimeout: 180_000 });

const ENV = { TINTYPE_CACHE_BUCKET: 'thumbnails', TINTYPE_CACHE_PATH_PREFIX: '/v1/' };

describe.concurrent('the rule by which a bucket forgets what is old', () => {
  test.each([
    [
      's3',
      {
        Rules: [
          {
            ID: 'tintype-cache',
            Status: 'Enabled',
            Filter: { Prefix: 'v1/' },
            Expiration: { Days: 90 },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ],
      },
      'aws s3api put-bucket-lifecycle-configuration --bucket thumbnails --lifecycle-configuration file://lifecycle.json',
    ],
    [
      'gcs',
      {
        lifecycle: {
          rule: [{ action: { type: 'Delete' }, condition: { daysSinceCustomTime: 90, matchesPrefix: ['v1/'] } }],
        },
      },
      'gcloud storage buckets update gs://thumbnails --lifecycle-file=lifecycle.json',
    ],
    [
      'abs',
      {
        rules: [
          {
            enabled: true,
            name: 'tintype-cache',
            type: 'Lifecycle',
            definition: {
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 90 } } },
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['thumbnails/v1/'] },
            },
          },
        ],
      },
      'az storage account management-policy create',
    ],
  ])('of %s is JSON alone on standard output, and its command beside', async (use, rule, command) => {
    const env = { ...ENV, TINTYPE_CACHE_USE: use };
    const { code, stdout, stderr } = await tintype(['cache', 'lifecycle', '--days', '90'], { env });
    expect([code, JSON.parse(stdout)]).toEqual([0, rule]);
    expect(stderr).toContain(`tintype cache lifecycle --days 90 > lifecycle.json\n  ${command}`);
  });

  test('is about the last tier, and says if it is about a whole bucket', async () => {
    const env = { TINTYPE_CACHE_TIERS: 'memory,gcs', TINTYPE_CACHE_BUCKET: 'thumbnails' };
    const { stdout, stderr } = await tintype(['cache', 'lifecycle', '--days', '7'], { env });
    expect(JSON.parse(stdout)).toEqual({
      lifecycle: { rule: [{ action: { type: 'Delete' }, condition: { daysSinceCustomTime: 7 } }] },
    });
    expect(stderr).toContain('everything in thumbnails');
  });

  test('is of the age that the settings name, unless another one is asked for', async () => {
    const env = { ...ENV, TINTYPE_CACHE_USE: 's3', TINTYPE_CACHE_EXPIRATION_DAYS: '30' };
    const byDays = (days: number) => ({ Rules: [expect.objectContaining({ Expiration: { Days: days } })] });
    const set = await tintype(['cache', 'lifecycle'], { env });
    expect(JSON.parse(set.stdout)).toEqual(byDays(30));
    expect(set.stderr).toContain('tintype cache lifecycle --days 30 >');
    const asked = await tintype(['cache', 'lifecycle', '--days', '90'], { env });
    expect(JSON.parse(asked.stdout)).toEqual(byDays(90));
  });

  test.each([
    [['--days', '90'], { TINTYPE_CACHE_USE: 'swift' }, 'set TINTYPE_CACHE_EXPIRATION_DAYS'],
    [['--days', '90'], {}, 'TINTYPE_CACHE_USE'],
    [['--days', '90'], { TINTYPE_CACHE_USE: 'fs' }, 'The storage fs has no lifecycle rules'],
    [['--days', '90'], { TINTYPE_CACHE_USE: 'gcs' }, 'TINTYPE_CACHE_BUCKET is required'],
    [['--days', 'ninety'], { TINTYPE_CACHE_USE: 'gcs' }, '--days is "ninety"'],
    [[], { TINTYPE_CACHE_USE: 'gcs', TINTYPE_CACHE_BUCKET: 'b' }, '--days is required'],
  ])('says what it lacks: %j %j', async (args, env, text) => {
    const { code, stdout, stderr } = await tintype(['cache', 'lifecycle', ...args], { env });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
  });

  test.each([
    ['lifecycle', '--days <number>'],
    ['purge', '--source <url>'],
  ])('%s explains itself within 80 columns', async (command, flag) => {
    const { code, stdout } = await tintype(['cache', command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(flag);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
