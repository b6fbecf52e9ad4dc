import type { ProxyResponse } from '@tintype/core';

/**
 * What protects a browser that opens an image of unknown origin as a document: no sniffing into
 * HTML, and for SVG no script, no requests and an origin of its own.
 */
export const CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/**
 * All headers of an answer as a flat list of names and values, the form that `node:http` writes
 * without copying. The pipeline decides what describes the content; here come, unless it has set
 * them, `x-content-type-options` and `content-security-policy`, and always `x-request-id` and a
 * length where it is known. `date` is left to whoever writes to the connection.
 */
export function headerList(response: ProxyResponse, method: string, requestId: string): string[] {
  if (response.fields !== undefined) return passedList(response, response.fields, requestId);
  const list: string[] = [];
  const { headers, body, status } = response;
  let length = false;
  let sniff = false;
  let policy = false;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    list.push(name, value);
    if (name === 'content-length') length = true;
    else if (name === 'x-content-type-options') sniff = true;
    else if (name === 'content-security-policy') policy = true;
  }
  if (!sniff) list.push('x-content-type-options', 'nosniff');
  if (!policy) list.push('content-security-policy', CONTENT_SECURITY_POLICY);
  list.push('x-request-id', requestId);
  if (!length && status >= 200 && status !== 204 && status !== 304) {
    if (body instanceof Uint8Array) list.push('content-length', String(body.length));
    // Without this an empty answer would be sent in chunks. To HEAD, no length is better than a wrong one.
    else if (body === undefined && method !== 'HEAD') list.push('content-length', '0');
  }
  return list;
}

/** What an operator's endpoint passes on: the origin's own word on its content, and how to find the request again. */
function passedList(
  { body }: ProxyResponse,
  fields: NonNullable<ProxyResponse['fields']>,
  requestId: string,
): string[] {
  const list: string[] = [];
  let length = false;
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (key === 'x-request-id') continue;
    list.push(name, value);
    if (key === 'content-length') length = true;
  }
  list.push('x-request-id', requestId);
  if (!length && body instanceof Uint8Array) list.push('content-length', String(body.length));
  return list;
}
