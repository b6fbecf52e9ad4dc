import type { ProxyResponse } from '@tintype/core';

const REFUSED = { kind: 'refused' } as const;

export interface PlainAnswerExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly problem?: ProxyResponse['problem'];
}

/** An answer of one sentence, made here and not by the pipeline; never stored by anyone. */
export function plainAnswer(status: number, sentence: string, extras: PlainAnswerExtras = {}): ProxyResponse {
  const body = Buffer.from(`${sentence}\n`);
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      ...extras.headers,
    },
    body,
    cache: REFUSED,
    problem: extras.problem,
  };
}

/** For what must not happen: the pipeline rejected, or made a response that cannot be sent. */
export function internalError(cause: unknown): ProxyResponse {
  return plainAnswer(500, 'The server failed to answer this request.', { problem: { code: 'internal', cause } });
}
