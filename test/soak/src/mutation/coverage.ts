import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

/** A stretch of a source file, in offsets of its text. */
export interface Place {
  /** Absolute path of the file. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/**
 * Tells which places of the adapter ran since it was last asked, from V8's block coverage. A place
 * that V8 tells nothing about counts as run: then a test too many is tried, never one too few.
 */
export class Coverage {
  readonly #session = new Session();

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return coverage;
  }

  /** @returns indexes of the places that ran since the last call */
  async executed(places: readonly Place[]): Promise<readonly number[]> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const rangesOf = new Map<string, readonly Range[]>();
    for (const { url, functions } of result) {
      if (!/\?mutant=\d+$/.test(url)) continue;
      rangesOf.set(
        fileURLToPath(url),
        functions.flatMap(({ ranges }) => ranges),
      );
    }
    return places.flatMap((place, index) => (ran(place, rangesOf.get(place.path) ?? []) ? [index] : []));
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

function ran({ start, end }: Place, ranges: readonly Range[]): boolean {
  const within = ranges.some((range) => range.count > 0 && range.startOffset >= start && range.endOffset <= end);
  return within || countAt(start, ranges) > 0 || countAt(end - 1, ranges) > 0;
}

/** How often the innermost range around an offset ran; 0 for a file of which nothing ran. */
function countAt(offset: number, ranges: readonly Range[]): number {
  let inner: Range | undefined;
  for (const range of ranges) {
    if (offset < range.startOffset || offset >= range.endOffset) continue;
    if (inner === undefined || range.endOffset - range.startOffset <= inner.endOffset - inner.startOffset)
      inner = range;
  }
  return inner?.count ?? 0;
}
