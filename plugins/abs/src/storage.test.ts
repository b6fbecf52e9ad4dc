import { storageConformance } from '@tintype/conformance';
import { runSuites } from '@tintype-test/servers/storage-suite';
import { describe, test } from 'vitest';
import { benchFor, subjectOf } from '../test/harness.ts';

await runSuites(
  {
    id: 'abs',
    servers: ['azurite', 'azurite-disk'],
    // Once is enough: both are the same program.
    usual: ['azurite'],
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
