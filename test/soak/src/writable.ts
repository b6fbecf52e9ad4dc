import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Why no file can be written to `path`, in the system's words; `undefined` if one can. Makes its
 * folder; a file that is there stays as it is, and none is left where there was none.
 */
export async function whyNotWritable(path: string): Promise<string | undefined> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const before = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    if (before !== undefined) {
      await before.close();
      return undefined;
    }
    await (await open(path, 'wx')).close();
    await rm(path);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
