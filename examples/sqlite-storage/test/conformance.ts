import { describe, test } from 'node:test';
import { storageConformance } from '@tintype/conformance';
import { harness } from './harness.ts';

storageConformance({ name: 'sqlite', harness, runner: { describe, test } });
