import { type CoreSettings, type EffectiveSetting, formatBind, isLoopbackBind } from '@tintype/core';

/**
 * Why a server must not start: others could reach it, and nothing says which URLs they may ask for.
 *
 * @returns a sentence, or `undefined` if it may.
 */
export function whyNotUnsigned(settings: CoreSettings, effective: readonly EffectiveSetting[]): string | undefined {
  const { bind, key, allowUnsigned } = settings;
  if (key.length > 0 || allowUnsigned || isLoopbackBind(bind)) return undefined;
  const from = effective.find(({ variable }) => variable === 'TINTYPE_BIND')?.from;
  return (
    `${from || 'TINTYPE_BIND'} is ${formatBind(bind)}, which other machines can reach, and no key is set: ` +
    'anyone could have any image made. Set TINTYPE_KEY and TINTYPE_SALT to serve signed URLs only, ' +
    'or TINTYPE_ALLOW_UNSIGNED=true if this is what you want.'
  );
}
