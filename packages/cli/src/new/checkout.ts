import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the workspace begins, if this is a checkout and no installed package. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/**
 * How packages in `parent` are installed, if that is the folder `examples` of a checkout: there they get the packages
 * of the workspace, which the registry need not have.
 *
 * @returns the command, or `undefined` elsewhere.
 */
export async function installInCheckout(parent: string, root: string = ROOT): Promise<string | undefined> {
  try {
    const [examples, here] = await Promise.all([realpath(join(root, 'examples')), realpath(parent)]);
    if (examples !== here) return undefined;
    await readFile(join(root, 'pnpm-workspace.yaml'));
    const [pinned] = /pnpm@[\d.]+/.exec(await readFile(join(root, 'scripts', 'workspace.mjs'), 'utf8')) ?? [];
    return pinned && `npx ${pinned} install`;
  } catch {
    return undefined;
  }
}
