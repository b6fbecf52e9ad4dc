import { type ConfiguredProxy, createProxy, type Plugin, SettingsError, type SettingsInput } from '@tintype/core';
import { Failure, reasonOf } from './failure.ts';

/**
 * `createProxy` for a command: what plugins throw becomes one sentence.
 *
 * @throws SettingsError, Failure
 */
export async function makeProxy(plugins: readonly Plugin[], input: SettingsInput): Promise<ConfiguredProxy> {
  try {
    return await createProxy({ plugins, input });
  } catch (error) {
    if (SettingsError.is(error)) throw error;
    throw new Failure(`The proxy could not be composed: ${reasonOf(error)}.`, 2, { cause: error });
  }
}
