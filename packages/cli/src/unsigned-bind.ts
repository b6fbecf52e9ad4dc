import { type ConfiguredProxy, whyNotListen } from '@tintype/core';

/**
 * Why a server must not start: others could reach it, and nothing says which URLs they may ask for.
 *
 * @returns a sentence, or `undefined` if it may.
 */
export function whyNotUnsigned({
  settings,
  effective,
  loopbackOnly,
}: Pick<ConfiguredProxy, 'settings' | 'effective' | 'loopbackOnly'>): string | undefined {
  if (loopbackOnly !== true) return undefined;
  const from = effective.find(({ variable }) => variable === 'TINTYPE_BIND')?.from;
  return whyNotListen(settings.bind, from || 'TINTYPE_BIND');
}
