import type { StorageAdapter } from '@tintype/core';

/** A call of an adapter, before it is made. */
export interface Interception {
  readonly operation: keyof StorageAdapter;
  readonly arguments: readonly unknown[];
  /** Makes the call. */
  proceed(): unknown;
}

/**
 * An adapter whose operations go through `intercept`: to count them, to let them fail before they
 * begin, or after they were applied.
 */
export function intercepted(adapter: StorageAdapter, intercept: (call: Interception) => unknown): StorageAdapter {
  return new Proxy(adapter, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) =>
        intercept({
          operation: name as keyof StorageAdapter,
          arguments: given,
          proceed: () => Reflect.apply(member, target, given),
        });
    },
  });
}

/** An adapter that others have opened and will close. */
export function opened(adapter: StorageAdapter): StorageAdapter {
  return intercepted(adapter, ({ operation, proceed }) =>
    operation === 'open' || operation === 'close' ? Promise.resolve() : proceed(),
  );
}
