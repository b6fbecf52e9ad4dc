import type { ProxyRequest } from '../contracts/proxy.ts';

/** The request without its `Authorization`: what was meant for us, or for whom we don't know, goes no further. */
export function withoutCredentials(request: ProxyRequest): ProxyRequest {
  const { method, target } = request;
  const { authorization: _, ...headers } = request.headers;
  const raw = request.rawHeaders;
  return {
    method,
    target,
    headers,
    ...(raw === undefined ? {} : { rawHeaders: withoutField(raw, 'authorization') }),
    // Made when somebody asks for it, and read once.
    get body() {
      return request.body;
    },
    get signal() {
      return request.signal;
    },
  };
}

/** @param raw names and values in turn. */
function withoutField(raw: readonly string[], name: string): readonly string[] {
  const isNamed = (index: number): boolean => (raw[index - (index % 2)] ?? '').toLowerCase() === name;
  return raw.filter((_, index) => !isNamed(index));
}
