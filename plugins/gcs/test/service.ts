import type { ServerResponse } from 'node:http';

/** An error of the XML API as it comes over the wire. */
export function refuse(response: ServerResponse, status: number, code: string, more = '', headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml; charset=UTF-8', ...headers });
  response.end(
    `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${code} it is.</Message>${more}</Error>`,
  );
}

/** An error of the JSON API as it comes over the wire. */
export function refuseJson(response: ServerResponse, status: number, reason: string, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
  const message = `${reason} it is.`;
  response.end(JSON.stringify({ error: { code: status, message, errors: [{ domain: 'global', reason, message }] } }));
}

/** An answer of the JSON API. */
export function say(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(JSON.stringify(value));
}
