import abs from '@tintype/abs';
import type { Plugin } from '@tintype/core';
import fs from '@tintype/fs';
import gcs from '@tintype/gcs';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import s3 from '@tintype/s3';
import sharp from '@tintype/sharp';
import swift from '@tintype/swift';

/** What the `tintype` command brings along. */
export const builtInPlugins: readonly Plugin[] = [memory, fs, s3, gcs, abs, swift, http, sharp, imgproxyUrl];

/**
 * Where those of them can be imported from that bring or wrap the transformer. The processes that make
 * images load no others of them: the HTTP client alone is a tenth of a start.
 */
export const builtInTransformingModules: readonly string[] = [import.meta.resolve('@tintype/sharp')];
