import { storageConformance } from '@tintype/conformance';
import { runSuites } from '@tintype-test/servers/storage-suite';
import { describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

await runSuites(
  {
    id: 'gcs',
    servers: ['fake-gcs-server'],
    usual: [],
    benchFor,
    run(name, bench, _server, record) {
      storageConformance({
        name,
        harness: { create: () => subjectOf(bench) },
        runner: { describe, test },
        record,
      });
    },
  },
  import.meta.url,
);
