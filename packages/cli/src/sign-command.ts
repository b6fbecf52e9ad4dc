import { type Plugin, RequestError, type SettingsInput } from '@tintype/core';
import { Failure } from './failure.ts';
import { makeProxy } from './make-proxy.ts';
import type { Surroundings } from './surroundings.ts';

/** `tintype sign <path>`: needs keys, and neither a network nor a storage. */
export async function sign(
  plugins: readonly Plugin[],
  input: SettingsInput,
  path: string,
  options: { readonly json: boolean },
  { stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>,
): Promise<void> {
  if (!path.startsWith('/')) throw new Failure(`The path ${path} must begin with "/", as in /rs:fit:300/plain/….`);
  const proxy = await makeProxy(plugins, input);
  for (const warning of proxy.warnings) stderr.write(`Warning: ${warning}\n`);
  if (proxy.settings.key.length === 0) {
    throw new Failure('There is no key to sign with: set TINTYPE_KEY and TINTYPE_SALT.');
  }
  if (path.startsWith('/unsafe/')) {
    const rest = path.slice('/unsafe'.length);
    stderr.write(
      `Warning: the path begins with what stands in place of a signature; without it: tintype sign '${rest}'\n`,
    );
  }
  let signed: string;
  try {
    signed = proxy.sign(path);
  } catch (error) {
    if (RequestError.is(error)) throw new Failure(error.message, 2, { cause: error });
    throw error;
  }
  stdout.write(`${options.json ? JSON.stringify({ path, signed }) : signed}\n`);
}
