import type { ServerResponse } from 'node:http';

/** An error of Azure as it comes over the wire. */
export function refuse(response: ServerResponse, status: number, code: string, more = '', headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers });
  const message = `${code} it is.\nRequestId:0a1b2c3d`;
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`);
}

/** A container with nothing in it: as a listing, and of any blob. */
export function answerNothing(response: ServerResponse): void {
  if (response.req.url?.includes('comp=list')) {
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end('<?xml version="1.0"?><EnumerationResults><Blobs /><NextMarker /></EnumerationResults>');
  } else refuse(response, 404, 'BlobNotFound');
}
