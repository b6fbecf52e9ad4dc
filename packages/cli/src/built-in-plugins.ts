import type { Plugin } from '@tintype/core';
import fs from '@tintype/fs';
import http from '@tintype/http';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import sharp from '@tintype/sharp';

/** What the `tintype` command brings along. */
export const builtInPlugins: readonly Plugin[] = [memory, fs, http, sharp, imgproxyUrl];
