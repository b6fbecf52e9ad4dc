import {
  BufferedBody,
  type ByteRange,
  type GetOutcome,
  type OperationContext,
  type StorageKey,
  type Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { infoOf, partOf, ReferenceStorage, type Stored, tick } from '../reference-storage.ts';

/** Replaces the outcome of a get with a range. */
abstract class OtherRanges extends ReferenceStorage {
  override async get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Promise<GetOutcome> {
    if (range === undefined) return super.get(key, range, context);
    await tick();
    const stored = this.live(key);
    return this.part(stored, range, context);
  }

  abstract part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome;

  sound(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
    if (stored === undefined) return undefined;
    const part = partOf(range, stored.bytes.length);
    if (part === undefined) return { kind: 'range-not-satisfiable', ...infoOf(stored) };
    return this.entry(stored, part, context);
  }

  entry(stored: Stored, part: { first: number; last: number }, context: OperationContext): GetOutcome {
    const body = this.bodyOf(stored.bytes.subarray(part.first, part.last + 1), context);
    return { kind: 'entry', ...infoOf(stored), range: part, body };
  }
}

/** Faults of ranges. */
export const rangeFaults: readonly StorageFault[] = [
  fault({
    name: 'range-off-by-one',
    breaks: 'The last byte of a range is left out.',
    caughtBy: ['range.exact-bytes'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        const closed = 'first' in range && range.last !== undefined && range.last < (stored?.bytes.length ?? 0);
        if (outcome?.kind !== 'entry' || outcome.range === undefined || !closed) return outcome;
        const { first, last } = outcome.range;
        const body = new BufferedBody((stored?.bytes ?? new Uint8Array(0)).subarray(first, last));
        return { ...outcome, body };
      }
    },
  }),
  fault({
    name: 'range-forgets-chunk-offset',
    breaks: 'A range that begins beyond 64 KiB starts at the chunk instead of the byte.',
    caughtBy: ['range.exact-bytes'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || outcome.range === undefined || outcome.range.first < 65_537) return outcome;
        const { first, last } = outcome.range;
        const start = first - (first % 65_536);
        const body = new BufferedBody((stored?.bytes ?? new Uint8Array(0)).slice(start, start + last - first + 1));
        return { ...outcome, body };
      }
    },
  }),
  fault({
    name: 'range-ignored',
    breaks: '`ranges` is declared, and the whole body is sent.',
    caughtBy: [
      'range.exact-bytes',
      'range.open-ended',
      'range.suffix',
      'range.is-clipped',
      'range.past-the-end',
      'range.describes-itself',
    ],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, _range: ByteRange, context: OperationContext): GetOutcome {
        if (stored === undefined) return undefined;
        return { kind: 'entry', ...infoOf(stored), range: undefined, body: this.bodyOf(stored.bytes, context) };
      }
    },
  }),
  fault({
    name: 'open-range-loses-the-end',
    breaks: 'A range without a last byte ends one byte early.',
    caughtBy: ['range.open-ended', 'range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const size = stored?.bytes.length ?? 0;
        const open = 'first' in range && range.last === undefined && range.first < size - 1;
        return this.sound(stored, open ? { ...range, last: size - 2 } : range, context);
      }
    },
  }),
  fault({
    name: 'suffix-as-offset',
    breaks: 'The last n bytes become the bytes from n on.',
    caughtBy: ['range.suffix', 'range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const size = stored?.bytes.length ?? 0;
        if ('first' in range || range.suffix === 0 || range.suffix >= size) return this.sound(stored, range, context);
        return this.sound(stored, { first: range.suffix }, context);
      }
    },
  }),
  fault({
    name: 'long-suffix-refused',
    breaks: 'A suffix longer than the body is not satisfiable.',
    caughtBy: ['range.suffix'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        if (stored && 'suffix' in range && range.suffix > stored.bytes.length) {
          return { kind: 'range-not-satisfiable', ...infoOf(stored) };
        }
        return this.sound(stored, range, context);
      }
    },
  }),
  fault({
    name: 'range-not-clipped',
    breaks: 'A range that ends after the body says that it holds what was asked for.',
    caughtBy: ['range.is-clipped'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || !('first' in range) || range.last === undefined) return outcome;
        return { ...outcome, range: { first: range.first, last: range.last } };
      }
    },
  }),
  fault({
    name: 'past-the-end-is-empty',
    breaks: 'A range past the end is an entry without bytes.',
    caughtBy: ['range.past-the-end'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'range-not-satisfiable') return outcome;
        return { ...outcome, kind: 'entry', range: { first: 0, last: 0 }, body: new BufferedBody(new Uint8Array(0)) };
      }
    },
  }),
  fault({
    name: 'past-the-end-is-a-miss',
    breaks: 'A range past the end is a miss.',
    caughtBy: ['range.past-the-end'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        return outcome?.kind === 'range-not-satisfiable' ? undefined : outcome;
      }
    },
  }),
  fault({
    name: 'size-of-the-part',
    breaks: 'With a range, `size` is the length of the part.',
    caughtBy: ['range.describes-itself'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        if (outcome?.kind !== 'entry' || outcome.range === undefined) return outcome;
        return { ...outcome, size: outcome.range.last - outcome.range.first + 1 };
      }
    },
  }),
  fault({
    name: 'part-without-metadata',
    breaks: 'A part comes without the metadata of its entry.',
    caughtBy: ['range.same-entry'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        const outcome = this.sound(stored, range, context);
        return outcome?.kind === 'entry' ? { ...outcome, metadata: { encoded: '', contentType: 'x/x' } } : outcome;
      }
    },
  }),
  fault({
    name: 'range-of-nothing',
    breaks: 'A range of a missing key is not satisfiable instead of a miss.',
    caughtBy: ['range.miss-is-undefined'],
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        if (stored !== undefined) return this.sound(stored, range, context);
        const metadata = { encoded: '', contentType: 'x/x' };
        return { kind: 'range-not-satisfiable', metadata, size: 0, version: '' as Version };
      }
    },
  }),
  fault({
    name: 'ranges-under-declared',
    breaks: '`ranges` is not declared and works.',
    caughtBy: ['range.undeclared-is-refused'],
    capabilities: { ranges: false },
    storage: class extends OtherRanges {
      override part(stored: Stored | undefined, range: ByteRange, context: OperationContext): GetOutcome {
        return this.sound(stored, range, context);
      }
    },
  }),
];
