import {
  type Body,
  BufferedBody,
  type CheckResult,
  type HttpFields,
  type Origin,
  OriginError,
  type OriginRequest,
  type OriginResponse,
  StreamedBody,
} from '@tintype/core';
import type { OriginResource } from '../origin/origin-conformance.ts';
import { tick } from './reference-storage.ts';

/** What the instances of a reference origin share: the server's side of it. */
export class OriginPlace {
  readonly resources: Map<string, OriginResource> = new Map();
  /** Connections that are open, by the body or agent that holds them. */
  readonly connections: Set<object> = new Set();
}

const SCHEME = 'ref:';

/** The sound origin that faulty ones are made of: resources in memory, bodies that hold a connection. */
export class ReferenceOrigin implements Origin {
  readonly schemes: readonly string[] = ['ref'];
  readonly place: OriginPlace;
  /** The connections of this instance. */
  protected readonly mine: Set<object> = new Set();

  constructor(place: OriginPlace) {
    this.place = place;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    for (const connection of this.mine) this.place.connections.delete(connection);
    this.mine.clear();
  }

  async fetch(source: string, request: OriginRequest): Promise<OriginResponse> {
    const name = this.nameOf(source);
    await tick();
    request.signal.throwIfAborted();
    const resource = this.place.resources.get(name);
    if (resource === undefined) return this.missing();
    const headers = this.fields(resource);
    if (this.isUnchanged(request.headers, headers)) return this.unchanged(headers);
    if (resource.body.length > request.maxBytes) throw tooLarge();
    return { status: 200, headers, body: this.bodyOf(resource.body, request) };
  }

  async check(): Promise<CheckResult> {
    return { ok: true, summary: 'resources in memory' };
  }

  /** @throws OriginError for what cannot be a source. */
  protected nameOf(source: string): string {
    const match = /^ref:\/\/\/([a-z0-9-]+)$/.exec(source);
    if (match?.[1] === undefined) throw new OriginError('invalid-source', `Sources begin with ${SCHEME}///.`);
    return match[1];
  }

  protected fields(resource: OriginResource): HttpFields {
    const { name, body, contentType } = resource;
    return { 'content-type': contentType, 'content-length': String(body.length), etag: `"${name}"` };
  }

  protected missing(): OriginResponse {
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: new BufferedBody(new Uint8Array(0)) };
  }

  protected isUnchanged(asked: HttpFields, { etag }: HttpFields): boolean {
    return asked['if-none-match'] !== undefined && asked['if-none-match'] === etag;
  }

  protected unchanged({ etag }: HttpFields): OriginResponse {
    return { status: 304, headers: { etag }, body: new BufferedBody(new Uint8Array(0)) };
  }

  /** Streams hold a connection until they have ended or were given up. */
  protected bodyOf(bytes: Uint8Array, { signal }: OriginRequest): Body {
    const connection = this.connect();
    const free = () => this.release(connection);
    return new StreamedBody(async function* () {
      try {
        for (let at = 0; at < bytes.length; at += 64_000) {
          await tick();
          signal.throwIfAborted();
          yield bytes.slice(at, at + 64_000);
        }
      } finally {
        free();
      }
    }, free);
  }

  protected connect(): object {
    const connection = {};
    this.mine.add(connection);
    this.place.connections.add(connection);
    return connection;
  }

  protected release(connection: object): void {
    this.mine.delete(connection);
    this.place.connections.delete(connection);
  }
}

export function tooLarge(): OriginError {
  return new OriginError('too-large', 'The source has more bytes than allowed.');
}
