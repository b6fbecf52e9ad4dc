import type { Container, ServiceIdentifier } from 'inversify';
import type { Registered } from './tokens.ts';

/** Descriptors of one kind by id. */
export type Index<D> = ReadonlyMap<string, Registered<D>>;

/**
 * Reads what plugins bound to a multi-bound token.
 *
 * Descriptors are bound without names on purpose: Inversify's un-named `getAll` silently leaves named
 * bindings out, so names would be a registry that forgets.
 *
 * @throws Error that names both plugins if an id comes twice.
 */
export function indexById<D extends { readonly id: string }>(
  container: Container,
  token: ServiceIdentifier<Registered<D>>,
  kind: string,
): Index<D> {
  const index = new Map<string, Registered<D>>();
  for (const registered of all(container, token)) {
    const { id } = registered.descriptor;
    const earlier = index.get(id);
    if (earlier !== undefined) {
      throw new Error(`Both ${earlier.plugin} and ${registered.plugin} bring ${kind} "${id}"; leave one of them out.`);
    }
    index.set(id, registered);
  }
  return index;
}

/** Everything bound to `token`; nothing if nothing is. */
export function all<T>(container: Container, token: ServiceIdentifier<T>): T[] {
  return container.isBound(token) ? container.getAll(token) : [];
}
