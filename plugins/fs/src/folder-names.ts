import { opendir } from 'node:fs/promises';
import { isSystemError } from './errors.ts';
import { type NamedChild, parseName } from './key-path.ts';

/**
 * Names that one folder may occupy in memory at a time, times two. Reading a folder again costs far less
 * than opening the entries of a page, which a listing does in between.
 */
const PAGE = 500;

/**
 * What stands in `folder`, in no order. Symbolic links are passed over, so that no walk leaves the
 * root. A folder that is gone has no children.
 */
export async function* childrenOf(folder: string): AsyncGenerator<NamedChild> {
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      if (!entry.isFile() && !entry.isDirectory()) continue;
      const child = parseName(entry.name, entry.isDirectory());
      if (child !== undefined) yield child;
    }
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}

/**
 * The same in byte order of `text`, for those that `wanted` lets through. A folder with more names
 * than fit into memory is read several times, each time for the next `page` names.
 */
export async function* sortedChildrenOf(
  folder: string,
  wanted: (child: NamedChild) => boolean,
  page: number = PAGE,
): AsyncGenerator<NamedChild> {
  let last: string | undefined;
  for (;;) {
    let next: NamedChild[] = [];
    let more = false;
    for await (const child of childrenOf(folder)) {
      if ((last !== undefined && child.text <= last) || !wanted(child)) continue;
      next.push(child);
      if (next.length < 2 * page) continue;
      more = true;
      next = next.sort(byText).slice(0, page);
    }
    for (const child of next.sort(byText).slice(0, more ? page : undefined)) {
      // A name that is replaced while the folder is read may come twice.
      if (child.text === last) continue;
      last = child.text;
      yield child;
    }
    if (!more) return;
  }
}

function byText(one: NamedChild, other: NamedChild): number {
  return one.text < other.text ? -1 : 1;
}
