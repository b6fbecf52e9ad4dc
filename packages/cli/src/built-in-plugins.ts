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

/** Where they can be imported from, by a process that has to do so again. */
export const builtInModules: readonly string[] = [
  '@tintype/memory',
  '@tintype/fs',
  '@tintype/s3',
  '@tintype/gcs',
  '@tintype/abs',
  '@tintype/swift',
  '@tintype/http',
  '@tintype/sharp',
  '@tintype/imgproxy-url',
].map((specifier) => import.meta.resolve(specifier));
