import type { ServerResponse } from 'node:http';

/** An error of S3 as it comes over the wire. */
export function refuse(response: ServerResponse, status: number, code: string, more = '', headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is.</Message>${more}</Error>`);
}

/** A bucket with nothing in it, as a listing. */
export function listNothing(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end('<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
}
