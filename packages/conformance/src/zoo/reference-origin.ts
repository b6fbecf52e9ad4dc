import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Body,
  type BodyFile,
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

/** What a body holds until it has ended: a connection, or a file that was made for it. */
export interface Connection {
  readonly path?: string | undefined;
}

/** What the instances of a reference origin share: the server's side of it. */
export class OriginPlace {
  readonly resources: Map<string, OriginResource> = new Map();
  /** Connections that are open. */
  readonly connections: Set<Connection> = new Set();
  #folder: string | undefined;

  /** Where bodies lie that are handed over as files. */
  get folder(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'tintype-origin-'));
    return this.#folder;
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

const SCHEME = 'ref:';

/** The sound origin that faulty ones are made of: resources in memory, bodies that hold a connection. */
export class ReferenceOrigin implements Origin {
  readonly schemes: readonly string[] = ['ref'];
  readonly place: OriginPlace;
  /** The connections of this instance. */
  protected readonly mine: Set<Connection> = new Set();

  constructor(place: OriginPlace) {
    this.place = place;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    for (const connection of this.mine) this.release(connection);
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
    return { status: 200, headers, body: this.bodyOf(resource.body, request, name) };
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
  protected bodyOf(bytes: Uint8Array, { signal, takesFile = false }: OriginRequest, name: string): Body {
    const file = takesFile ? this.fileOf(bytes, name) : undefined;
    const connection = this.connect(file?.path);
    const free = () => this.release(connection);
    const body = new StreamedBody(async function* () {
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
    return Object.assign(body, { file });
  }

  /** A file of this body alone. */
  protected fileOf(bytes: Uint8Array, _name: string): BodyFile {
    return { path: this.write(bytes), size: bytes.length };
  }

  /** @returns the path of a file with these bytes. */
  protected write(bytes: Uint8Array, name: string = randomUUID()): string {
    const path = join(this.place.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  protected connect(path?: string): Connection {
    const connection = { path };
    this.mine.add(connection);
    this.place.connections.add(connection);
    return connection;
  }

  protected release(connection: Connection): void {
    this.mine.delete(connection);
    const isOpen = this.place.connections.delete(connection);
    if (isOpen && connection.path !== undefined) this.remove(connection.path);
  }

  /** Of a file whose body has ended. */
  protected remove(path: string): void {
    rmSync(path, { force: true });
  }
}

export function tooLarge(): OriginError {
  return new OriginError('too-large', 'The source has more bytes than allowed.');
}
