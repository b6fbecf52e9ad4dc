import { storageConformance } from '@tintype/conformance';
import { runSuites } from '@tintype-test/servers/storage-suite';
import { describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

/** What a server cannot do, though S3 can: by requirement. The others prove it. */
const BEYOND: { readonly [server: string]: { readonly reason: string; readonly requirements: readonly string[] } } = {
  versitygw: {
    reason: 'does not apply: versitygw keeps keys as paths of files, so k excludes k/x and segments end at 255 bytes',
    requirements: [
      'delete.spares-neighbours',
      'list.is-complete',
      'list.byte-order',
      'list.any-prefix',
      'list.after-is-exclusive',
      'keys.longest',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
    ],
  },
  fauxqs: {
    reason: 'does not apply: fauxqs takes any credentials, sorts keys by language and refuses suffixes beyond the body',
    requirements: [
      'errors.misconfiguration-has-its-code',
      'errors.check-explains',
      'list.byte-order',
      'list.any-prefix',
      'range.suffix',
    ],
  },
};

await runSuites(
  {
    id: 's3',
    servers: ['versitygw', 'swift', 'fauxqs'],
    usual: ['fauxqs'],
    benchFor,
    run(name, bench, server, record) {
      storageConformance({
        name,
        harness: { create: () => subjectOf(bench) },
        runner: { describe, test },
        beyond: BEYOND[server],
        record,
      });
    },
  },
  import.meta.url,
);
