import type { Bind } from '../contracts/options.ts';
import { formatBind, isLoopbackBind } from './bind.ts';

/** Whether nothing says who may ask for what: then a server must not listen beyond this machine. */
export function isLoopbackOnly(settings: {
  readonly key: readonly unknown[];
  readonly allowUnsigned: boolean;
}): boolean {
  return settings.key.length === 0 && !settings.allowUnsigned;
}

/**
 * Why a server that is `loopbackOnly` must not listen at `bind`.
 *
 * @param called what named the address, for the message: `TINTYPE_BIND`, `--bind`.
 * @returns a sentence, or `undefined` if it may.
 */
export function whyNotListen(bind: Bind, called: string): string | undefined {
  if (isLoopbackBind(bind)) return undefined;
  return (
    `${called} is ${formatBind(bind)}, which other machines can reach, and no key is set: ` +
    'whoever may ask could have any image made. Set TINTYPE_KEY and TINTYPE_SALT to serve signed URLs only, ' +
    'or TINTYPE_ALLOW_UNSIGNED=true if this is what you want.'
  );
}
