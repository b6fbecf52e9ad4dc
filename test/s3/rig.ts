import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as sdk from '@aws-sdk/client-s3';
import type { RunningServer } from '@tintype-test/servers';
import { onTestFinished } from 'vitest';

/** What a user runs: the built command. */
const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));
const PHOTOS = new URL('../../examples/demo/images/', import.meta.url);

/** A bucket for sources with a photograph in it, and one for the cache. */
export interface Buckets {
  readonly client: sdk.S3Client;
  readonly sources: string;
  readonly cache: string;
  /** Everything that `tintype serve` must know to use both. */
  readonly env: Readonly<Record<string, string>>;
  /** Keys in the cache's bucket. */
  cached(): Promise<readonly string[]>;
}

export async function makeBuckets(server: RunningServer): Promise<Buckets> {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const client = new sdk.S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const id = randomUUID();
  const [sources, cache] = [`sources-${id}`, `cache-${id}`];
  for (const Bucket of [sources, cache]) await client.send(new sdk.CreateBucketCommand({ Bucket }));
  await client.send(
    new sdk.PutObjectCommand({
      Bucket: sources,
      Key: '2026/rocket.jpg',
      Body: await readFile(new URL('rocket.jpg', PHOTOS)),
      ContentType: 'image/jpeg',
      CacheControl: 'max-age=600',
    }),
  );
  onTestFinished(() => client.destroy());
  const access = (prefix: string) => ({
    [`${prefix}ENDPOINT`]: endpoint,
    [`${prefix}REGION`]: region,
    [`${prefix}ACCESS_KEY_ID`]: accessKeyId,
    [`${prefix}SECRET_ACCESS_KEY`]: secretAccessKey,
  });
  return {
    client,
    sources,
    cache,
    env: {
      TINTYPE_USE_S3: 'true',
      TINTYPE_CACHE_USE: 's3',
      TINTYPE_CACHE_BUCKET: cache,
      ...access('TINTYPE_S3_'),
      ...access('TINTYPE_CACHE_S3_'),
    },
    async cached() {
      const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket: cache }));
      return Contents.map(({ Key = '' }) => Key);
    },
  };
}

export interface Served {
  readonly url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** `tintype serve` on a free port; killed with the test if it still runs. */
export async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const child = spawn(process.execPath, [TINTYPE, 'serve', '--bind', '127.0.0.1:0'], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: tmpdir(), TINTYPE_DRAIN_DELAY: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  onTestFinished(() => (child.exitCode === null && child.signalCode === null ? kill('SIGKILL') : undefined));
  return { url: await firstLine(child), kill };
}

/** The address in the line with which it begins. */
async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  for (;;) {
    const url = /Serving on (http:[^;]+);/.exec(said)?.[1];
    if (url !== undefined) return url;
    const more = child.stdout === null ? undefined : once(child.stdout, 'data');
    await Promise.race([more, once(child, 'exit')]);
    if (child.exitCode !== null) throw new Error(`tintype serve ended before it served:\n${said}`);
  }
}
