// The reference for misses: sharp with the options of the plugin, so many pictures at a time, and nothing else.
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { serveCalls } from './calls.ts';

sharp.cache(false);
sharp.concurrency(1);

export interface Work {
  readonly files: readonly string[];
  /** Pictures at a time. */
  readonly parallel: number;
}

/** What `rs:fit:512:512` to JPEG comes to in @tintype/sharp; the bench compares the bytes. */
async function thumbnail(file: string): Promise<Buffer> {
  const source = sharp(file, { failOn: 'error', pages: 1, limitInputPixels: 50_000_000, sequentialRead: true });
  const { width, height } = await source.metadata();
  const scale = 512 / Math.max(width, height);
  return source
    .resize(Math.round(width * scale), Math.round(height * scale), { fit: 'fill' })
    .flatten({ background: { r: 255, g: 255, b: 255 } })
    .jpeg({ quality: 80, progressive: false })
    .toBuffer();
}

/** @returns seconds, and the digest of every result. */
async function makeAll({ files, parallel }: Work): Promise<{ seconds: number; digests: readonly string[] }> {
  const since = performance.now();
  const results: Buffer[] = [];
  const left = files.entries();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const [index, file] of left) results[index] = await thumbnail(file);
    }),
  );
  const seconds = (performance.now() - since) / 1_000;
  return { seconds, digests: results.map((result) => createHash('sha256').update(result).digest('hex')) };
}

let running = false;
let made = 0;

function startEndless({ files, parallel }: Work): void {
  running = true;
  let number = 0;
  for (let worker = 0; worker < parallel; worker++) {
    void (async () => {
      while (running) {
        await thumbnail(files[number++ % files.length] ?? '');
        made++;
      }
    })();
  }
}

serveCalls({
  makeAll,
  startEndless,
  endlessCount: () => made,
  stopEndless: () => {
    running = false;
  },
  cpu: () => process.cpuUsage(),
});
