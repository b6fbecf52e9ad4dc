import { createHash } from 'node:crypto';
import { freeIfWhole } from '../bodies.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { OriginResponse } from '../contracts/origin.ts';
import type { TransformResult } from '../contracts/transformer.ts';
import type { Assessment } from '../freshness/assess.ts';
import type { MayWait } from './background.ts';
import { entryOf } from './entry-of.ts';
import type { Place } from './intake.ts';
import type { Workshop } from './make.ts';
import { giveUp, pump, until } from './pump.ts';
import { Spool } from './spool.ts';

/** Counts the time until there is room as waiting: if it runs out meanwhile, too much was asked of us. */
export type Waiting = <T>(room: Promise<T>) => Promise<T>;

/** The place that making an image has, and how it comes to the next. */
export interface Room {
  readonly place: Place;
  readonly waiting: Waiting;
  readonly mayWait: MayWait;
}

/** Downloads a source and makes the image of it, each in its turn. */
export async function transformed(
  request: ImageRequest,
  shop: Workshop,
  response: OriginResponse,
  assessment: Assessment,
  { place, waiting, mayWait }: Room,
  signal: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly metadata: EntryMetadata }> {
  const spool = new Spool({ memory: shop.spoolMemory });
  const { transformer, limits } = shop;
  const { file } = response.body;
  const isFile = file !== undefined && transformer.transformFile !== undefined;
  try {
    const downloading = performance.now();
    // A file is read by the process that needs it.
    if (!isFile) await pump(response, spool, signal);
    place.downloaded();
    shop.emit({ type: 'downloaded', ms: performance.now() - downloading, bytes: isFile ? file.size : spool.size });
    const leave = await waiting(shop.transforms.enter(signal, mayWait)).catch((error: unknown) => {
      giveUp(response);
      throw error;
    });
    const transform = async () => {
      const { operations, output } = request;
      const reserve = (bytes: number, stop?: AbortSignal) =>
        waiting(shop.memory.reserve(bytes, stop ? AbortSignal.any([signal, stop]) : signal, mayWait));
      const spare = (bytes: number) => shop.memory.spare(bytes);
      const work = { operations, output, limits, signal, reserve, spare };
      let started = performance.now();
      const finish = (done: TransformResult, bytesIn: number) => {
        shop.emit({ type: 'transformed', ms: performance.now() - started, bytesIn, bytesOut: done.body.length });
        return done;
      };
      try {
        if (isFile) {
          const done = await transformer.transformFile?.(file, work);
          if (done !== undefined) return finish(done, file.size);
          await pump(response, spool, signal);
        }
        const isOurs = response.body.expendable === true || spool.pieces > 1;
        const input = await spool.bytes();
        dispose(spool);
        started = performance.now();
        const done = finish(await transformer.transform({ input, ...work }), input.length);
        // Not after a failure, when somebody may still be at work on it.
        if (isOurs && input.buffer !== done.body.buffer) freeIfWhole(input);
        return done;
      } finally {
        // When it has really ended, also if nobody waits for it any more. A file that is closed sooner
        // could be another one by the time that it is opened by its path.
        leave();
        if (isFile) giveUp(response);
      }
    };
    const result = await until(signal, transform());
    const etag = `"${createHash('sha256').update(result.body).digest('base64url').slice(0, 27)}"`;
    const metadata: EntryMetadata = {
      ...entryOf(request, assessment.state),
      contentType: result.contentType,
      etag,
      width: result.width,
      height: result.height,
    };
    return { bytes: result.body, metadata };
  } finally {
    dispose(spool);
  }
}

/** Nobody waits for a disk. */
function dispose(spool: Spool): void {
  spool.dispose().catch(() => undefined);
}
