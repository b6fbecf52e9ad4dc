import { closeSync, openSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import process from 'node:process';
import { type Body, type BodyFile, OriginError, type OriginRequest, type OriginResponse } from '@tintype/core';
import type { OriginHarness } from '../origin/origin-conformance.ts';
import { changed, originFault, type PartFault, withBody } from './origin-fault.ts';
import { type OriginPlace, ReferenceOrigin } from './reference-origin.ts';

/** Hands over files that are made in another way. */
function withFiles(fileOf: (bytes: Uint8Array, write: (bytes: Uint8Array) => string) => BodyFile) {
  return class extends ReferenceOrigin {
    protected override fileOf(bytes: Uint8Array): BodyFile {
      return fileOf(bytes, (written) => this.write(written));
    }
  };
}

/** Fetches in another way whatever is wanted as a file. */
function whereFile(
  fetch: (
    request: OriginRequest,
    sound: (request: OriginRequest) => Promise<OriginResponse>,
  ) => Promise<OriginResponse>,
): typeof ReferenceOrigin {
  return class extends ReferenceOrigin {
    override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
      const sound = (asked: OriginRequest) => super.fetch(source, asked);
      return request.takesFile ? fetch(request, sound) : sound(request);
    }
  };
}

/** Bodies that are files and are changed on their way. */
function withFileBody(change: (body: Body) => Body): typeof ReferenceOrigin {
  return withBody((body) => (body.file === undefined ? body : change(body)));
}

/** Faults of bodies that are handed over as files. */
export const fileFaults: readonly PartFault<OriginHarness>[] = [
  originFault(
    'takes-no-file',
    'Whoever would take a file is told that there are none.',
    ['origin.takes-file', 'origin.file-is-the-body', 'origin.file-stays', 'origin.file-is-released'],
    whereFile(async () => {
      throw new OriginError('misconfigured', 'There are no files.');
    }),
  ),
  originFault(
    'file-without-type',
    'What is handed over as a file has lost its Content-Type.',
    ['origin.takes-file'],
    whereFile(async (request, sound) => {
      const response = await sound(request);
      return { ...response, headers: { ...response.headers, 'content-type': undefined } };
    }),
  ),
  originFault(
    'file-without-conditions',
    'A file is handed over although the receiver’s copy is as good.',
    ['origin.takes-file'],
    whereFile((request, sound) => sound({ ...request, headers: {} })),
  ),
  originFault(
    'file-without-limit',
    'A file may have more than `maxBytes`.',
    ['origin.takes-file'],
    whereFile((request, sound) => sound({ ...request, maxBytes: Number.POSITIVE_INFINITY })),
  ),
  originFault(
    'file-instead-of-bytes',
    'A body that is handed over as a file has no bytes of its own.',
    ['origin.takes-file'],
    withFileBody((body) =>
      changed(body, {
        async *stream() {
          for await (const chunk of body.stream()) yield chunk.subarray(0, 0);
        },
      }),
    ),
  ),
  originFault(
    'file-consumes',
    'Looking for the file of a body consumes it.',
    ['origin.takes-file', 'origin.file-is-released'],
    withFileBody((body) => {
      const { file } = body;
      let isSeen = false;
      return Object.defineProperty(
        changed(body, {
          stream() {
            if (isSeen) throw new Error('This body was already consumed.');
            return body.stream();
          },
        }),
        'file',
        {
          get() {
            isSeen = true;
            return file;
          },
        },
      );
    }),
  ),
  originFault(
    'file-unasked',
    'Files are handed over to those who did not ask.',
    ['origin.file-is-the-body'],
    class extends ReferenceOrigin {
      override fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        return super.fetch(source, { ...request, takesFile: true });
      }
    },
  ),
  originFault(
    'file-with-padding',
    'The size of a file is what it takes on the disk.',
    ['origin.file-is-the-body', 'origin.file-stays'],
    withFiles((bytes, write) => {
      const size = Math.ceil((bytes.length + 1) / 4_096) * 4_096;
      return { path: write(Buffer.concat([bytes, Buffer.alloc(size - bytes.length)])), size };
    }),
  ),
  originFault(
    'file-with-header',
    'A file begins with something else than its body.',
    ['origin.file-is-the-body', 'origin.file-stays'],
    withFiles((bytes, write) => ({
      path: write(Buffer.concat([Buffer.from('entry 1\n'), bytes])),
      size: bytes.length,
    })),
  ),
  originFault(
    'file-half-written',
    'A file is handed over before all of it was written.',
    ['origin.file-is-the-body', 'origin.file-stays'],
    withFiles((bytes, write) => ({ path: write(bytes.subarray(0, bytes.length / 2)), size: bytes.length })),
  ),
  originFault(
    'file-in-this-folder',
    'The path of a file begins in the folder that this process works in.',
    ['origin.file-is-the-body', 'origin.file-stays'],
    withFiles((bytes, write) => ({ path: relative(process.cwd(), write(bytes)), size: bytes.length })),
  ),
  // Elsewhere descriptors have no paths.
  ...(process.platform === 'win32'
    ? []
    : [
        originFault(
          'file-of-this-process',
          'The path of a file is that of a descriptor, which every process has its own of.',
          ['origin.file-is-the-body', 'origin.file-stays'],
          class extends ReferenceOrigin {
            protected override fileOf(bytes: Uint8Array): BodyFile {
              const path = this.write(bytes);
              const descriptor = openSync(path, 'r');
              rmSync(path);
              return { path: `/dev/fd/${descriptor}`, size: bytes.length };
            }

            protected override remove(path: string): void {
              closeSync(Number(basename(path)));
            }
          },
        ),
      ]),
  originFault(
    'file-for-all',
    'All bodies are handed over in the same file.',
    ['origin.file-is-the-body', 'origin.file-stays'],
    class extends ReferenceOrigin {
      protected override fileOf(bytes: Uint8Array): BodyFile {
        return { path: this.write(bytes, 'body'), size: bytes.length };
      }
    },
  ),
  originFault(
    'file-of-the-whole',
    'For a part, the file of the whole is handed over with the size of the part.',
    ['origin.file-is-the-body'],
    class extends ReferenceOrigin {
      override async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
        const whole = this.place.resources.get(this.nameOf(source))?.body;
        if (range === null || whole === undefined) return super.fetch(source, request);
        const response = await super.fetch(source, { ...request, takesFile: false });
        if (response.status !== 200) return response;
        await response.body.discard();
        const bytes = whole.subarray(Number(range[1]), Number(range[2]) + 1);
        const body = this.bodyOf(bytes, { ...request, takesFile: false }, 'part');
        const file = request.takesFile ? { path: this.write(whole), size: bytes.length } : undefined;
        return { ...response, status: 206, body: changed(body, { file }) };
      }
    },
  ),
  originFault(
    'file-of-the-name',
    'A file is the one that the source lies in, whatever that is by now.',
    ['origin.file-stays'],
    class extends ReferenceOrigin {
      constructor(place: OriginPlace) {
        super(place);
        const { resources } = place;
        const set = resources.set.bind(resources);
        resources.set = (name, resource) => {
          this.write(resource.body, name);
          return set(name, resource);
        };
      }

      protected override fileOf(bytes: Uint8Array, name: string): BodyFile {
        return { path: join(this.place.folder, name), size: bytes.length };
      }

      protected override remove(): void {}
    },
  ),
  originFault(
    'file-kept-after-discard',
    'A body that is discarded keeps its file.',
    ['origin.file-is-released'],
    withFileBody((body) => changed(body, { discard: async () => undefined })),
  ),
  originFault(
    'file-kept-when-read',
    'A body that was read keeps its file until it is discarded.',
    ['origin.file-is-released'],
    class extends ReferenceOrigin {
      protected override bodyOf(bytes: Uint8Array, request: OriginRequest, name: string): Body {
        const body = super.bodyOf(bytes, request, name);
        if (body.file === undefined) return body;
        const connection = this.connect();
        return changed(body, {
          discard: async () => {
            this.release(connection);
            await body.discard();
          },
        });
      }
    },
  ),
  originFault(
    'file-kept-when-left-early',
    'A body whose stream is left early keeps its file.',
    ['origin.file-is-released'],
    withFileBody((body) =>
      changed(body, {
        stream() {
          const chunks = body.stream()[Symbol.asyncIterator]();
          return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
        },
      }),
    ),
  ),
];
