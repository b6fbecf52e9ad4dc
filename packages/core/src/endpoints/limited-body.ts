import type { FieldPair } from '@tintype/http-cache';
import { StreamedBody } from '../bodies.ts';
import type { Body, ByteStream } from '../contracts/body.ts';
import { OriginError } from '../contracts/origin.ts';

/**
 * The body of an answer, which throws `too-large` once it has more than `maxBytes`: a server of the web
 * sends what it likes.
 *
 * @throws OriginError `too-large` at once if the answer says that it is; it is given up then.
 */
export function limited(
  { fields, body }: { readonly fields: readonly FieldPair[]; readonly body: Body },
  maxBytes: number = Number.POSITIVE_INFINITY,
): Body {
  if (maxBytes === Number.POSITIVE_INFINITY) return body;
  const size = body.buffered?.length ?? lengthOf(fields);
  if (size !== undefined && size > maxBytes) {
    body.discard().catch(() => undefined);
    throw new OriginError('too-large', `The source has ${size} bytes; ${maxBytes} are allowed.`);
  }
  if (body.buffered !== undefined) return body;
  return new StreamedBody(
    () => counted(body, maxBytes),
    () => body.discard(),
  );
}

/** Whether an origin had more than is allowed: another one is not asked for less. */
export function isTooLarge(error: unknown): boolean {
  return OriginError.is(error) && error.code === 'too-large';
}

function lengthOf(fields: readonly FieldPair[]): number | undefined {
  const text = fields.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  const length = Number(text ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

async function* counted(body: Body, maxBytes: number): ByteStream {
  let size = 0;
  for await (const chunk of body.stream()) {
    size += chunk.length;
    if (size > maxBytes) throw new OriginError('too-large', `The source has more than ${maxBytes} bytes.`);
    yield chunk;
  }
}
